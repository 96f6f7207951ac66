"""YAML 1.2 as people write it by hand: plain data, and the line and column of each key."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks import regular
from docmill.tasks.checks.spelling import meant

MAX_BYTES = 256_000  # ruamel.yaml takes some 7 s a megabyte
MAX_VALUES = 50_000  # with every alias written out
TAG = "tag:yaml.org,2002:"
TAGS = {TAG + name for name in ("bool", "float", "int", "map", "merge", "null", "seq", "str")}
DATE = TAG + "timestamp"
# What people have written where the parser says this.
SAID = {
    "expected <block end>": (
        "the indentation is wrong: this line begins in another column than the lines it belongs with"
    ),
    "mapping values are not allowed": (
        "a colon stands where no key can: the line is indented too far, or a text with a colon needs quotes"
    ),
    "could not find expected ':'": "a key without its colon: write `key: value`, or put the text in quotes",
    "expected ',' or '}'": "a { that is not closed by }, or a comma is missing within it",
    "expected ',' or ']'": "a [ that is not closed by ], or a comma is missing within it",
    "unexpected end of stream": "a quotation mark is not closed",
    "cannot start any token": "a text that begins with this character needs quotes",
}


@dataclass(frozen=True)
class YamlText:
    """A file's data, and the tree that knows where each part of it stands."""

    path: Path
    data: Any
    _root: Node | None

    def place(self, at: tuple[str | int, ...]) -> str:
        """Write where a key or an item begins, as file:line:column; what is not there, where it would be."""
        node, found = self._root, self._root
        for part in at:
            key, value = _child(node, part)
            if key is None:
                break
            node, found = value, key
        return _marked(self.path, found.start_mark if found is not None else None)


def read(path: Path) -> YamlText:
    """Read a YAML file of one document; dates stay text, aliases and merge keys are allowed.

    Raises ConfigError, with file, line and column, for what is no YAML, for a duplicate key, a tag
    of another type than JSON's, and for what exceeds MAX_BYTES or MAX_VALUES.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False
    try:
        root = yaml.compose(_text(path))
        _bound(path, root)
        data = None if root is None else yaml.constructor.construct_document(root)
    except MarkedYAMLError as error:
        raise ConfigError(f"{_marked(path, error.problem_mark)}: {_said(error)}") from None
    except YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply") from None
    except (KeyError, ValueError) as error:  # `!!bool x`, an integer of thousands of digits
        raise ConfigError(f"{path}: holds what is no value: {error}") from None
    return YamlText(path, data, root)


def _text(path: Path) -> str:
    try:
        with regular.opened(path) as file:
            written = file.read(MAX_BYTES + 1)
        if len(written) > MAX_BYTES:
            raise ConfigError(f"{path}: longer than {MAX_BYTES:,} bytes")
        return written.decode("utf-8-sig")
    except FileNotFoundError:
        near = (each.name for each in path.parent.glob("*") if each.suffix in (".yaml", ".yml"))
        raise ConfigError(f"{path}: there is no such file{meant(path.name, near)}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}: save it as UTF-8") from None


def _bound(path: Path, root: Node | None) -> None:
    """Refuse what would be no plain data, or too much of it, before anything is made of it."""
    sizes: dict[int, int] = {}

    def size(node: Node, above: tuple[int, ...]) -> int:
        if id(node) in above:
            raise ConfigError(f"{_marked(path, node.start_mark)}: an alias stands within its own anchor")
        if id(node) not in sizes:
            if fault := _fault(node):
                raise ConfigError(f"{_marked(path, node.start_mark)}: {fault}")
            sizes[id(node)] = 1 + sum(size(each, (*above, id(node))) for each in _children(node))
        return sizes[id(node)]

    if root is not None and size(root, ()) > MAX_VALUES:
        raise ConfigError(f"{path}: more than {MAX_VALUES:,} values when every alias is written out")


def _fault(node: Node) -> str | None:
    """Say why a node is not of JSON's kind; a date is made text."""
    if node.tag == DATE:
        node.tag = TAG + "str"
    if node.tag not in TAGS:
        return f"the tag {str(node.tag).replace(TAG, '!!')} is not taken: write plain YAML"
    if isinstance(node, MappingNode):
        listed = any(not isinstance(key, ScalarNode) for key, _ in node.value)
        return "a key must be text, not a list or a mapping" if listed else None
    if isinstance(node, ScalarNode):
        if node.tag == TAG + "float" and not _is_finite(node.value):
            return f"{node.value} is no number"
        if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in node.value):
            return "holds U+0000 or half of a surrogate pair, which are no characters"
    return None


def _is_finite(number: str) -> bool:
    try:
        return isfinite(float(number.replace("_", "").lstrip("+-.")))
    except ValueError:
        return True  # no number at all, which its constructor says


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, SequenceNode):
        yield from node.value
    elif isinstance(node, MappingNode):
        for pair in node.value:
            yield from pair


def _child(node: Node | None, part: str | int) -> tuple[Node | None, Node | None]:
    """Find what marks a part (its key, or an item itself) and its value."""
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    if isinstance(node, MappingNode):
        pairs = ((key, value) for key, value in node.value if key.value == str(part))
        return next(pairs, (None, None))
    return None, None


def _marked(path: Path, mark: Any) -> str:
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}:1:1"


def _said(error: MarkedYAMLError) -> str:
    problem = (error.problem or "not YAML").splitlines()[0]
    if "'\\t'" in problem:
        return "a tab stands where only spaces may: indent with spaces"
    if problem.startswith("found duplicate key"):
        return problem.removeprefix("found ").partition(" with value")[0]
    plain = next((said for part, said in SAID.items() if part in problem), None)
    return plain or "not YAML: " + (f"{error.context} {problem}" if error.context else problem)
