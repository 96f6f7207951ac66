"""What a rule names: read off its syntax tree, before any record is held against it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
ROOTS = frozenset({"record", "document"})


@dataclass(frozen=True)
class Reading:
    """The record's fields, the document's facts and the functions that a rule names.

    `nested` is how deep its macros are; `is_whole` says that it looks at the record as a whole, beside fields
    that it names.
    """

    fields: frozenset[str]
    facts: frozenset[str]
    functions: frozenset[str]
    nested: int
    is_whole: bool


def read(tree: Any) -> Reading:
    """Read a rule's syntax tree, as celpy gives it."""
    names = list(_named(tree, frozenset()))
    fields, facts, called = (
        frozenset(name for kind, name in names if kind == wanted) for wanted in ("field", "fact", "function")
    )
    return Reading(fields, facts, called, _nested(tree), ("whole", "record") in names)


def _named(node: Any, bound: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Give each name that is bound by no macro around it, with what it is the name of."""
    if not hasattr(node, "data"):
        return
    kind, children = str(node.data), node.children
    if kind in ("ident", "dot_ident"):
        if (name := str(children[0])) not in bound:
            yield ("whole" if name in ROOTS else "field"), name
        return
    if kind in ("member_dot", "member_index") and (field := _member(children)):
        yield ("field" if field[0] == "record" else "fact"), field[1]
        return
    if kind in ("ident_arg", "dot_ident_arg"):
        yield "function", str(children[0])
    if kind == "member_dot_arg":
        if (called := str(children[1])) in MACROS and len(children) > 2:
            yield from _named(children[0], bound)
            yield from _named(children[2], bound | _variable(children[2]))
            return
        yield "function", called
    for child in children:
        yield from _named(child, bound)


def _member(children: list[Any]) -> tuple[str, str] | None:
    """Read `record.total`, and `record["net total"]`."""
    root = _alone(children[0])
    if getattr(root, "data", None) != "ident" or str(root.children[0]) not in ROOTS:
        return None
    name = _alone(children[1])
    if getattr(name, "type", None) == "IDENT":
        return str(root.children[0]), str(name)
    if getattr(name, "type", None) == "STRING_LIT" and name[:1] in "'\"" and "\\" not in name:
        return str(root.children[0]), str(name)[1:-1]
    return None


def _alone(node: Any) -> Any:
    """Go down to what stands alone in a node."""
    while getattr(node, "data", "ident") != "ident" and len(node.children) == 1:
        node = node.children[0]
    return node


def _variable(arguments: Any) -> frozenset[str]:
    name = _alone(arguments.children[0])
    return frozenset({str(name.children[0])} if getattr(name, "data", None) == "ident" else ())


def _nested(node: Any) -> int:
    if not hasattr(node, "data"):
        return 0
    inner = [_nested(child) for child in node.children]
    if node.data == "member_dot_arg" and str(node.children[1]) in MACROS:
        return max(inner[0], 1 + max(inner[2:], default=0))
    return max(inner, default=0)
