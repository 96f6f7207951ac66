"""Labels in a JSONL file: an object a line with `document`, `label` and fields, nested or by their paths."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docmill.flows.evaluate.fields import Field
from docmill.flows.evaluate.labels.truth import DOCUMENT, LABEL, Truth, keys_of, nested, require_known
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks import regular
from docmill.tasks.checks.faults import shown
from docmill.tasks.checks.jsontext import parse


def read(file: Path, fields: Field) -> list[Truth]:
    """Read a file of labels; null says that nothing is wanted. Raises ConfigError with the line."""
    return [_truth(row, fields, place) for place, row in objects(file)]


def objects(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the object of each line that is not empty, with its place; raises ConfigError."""
    try:
        with regular.opened(file) as opened:
            lines = opened.read().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not a JSONL file in UTF-8: {error}") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield f"{file}:{number}", _object(line, f"{file}:{number}")


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        read = parse(line)
    except ValueError as error:
        raise ConfigError(f"{place}: not JSON: {error}") from None
    if not isinstance(read, dict):
        raise ConfigError(f"{place}: must be an object, not {shown(read)}")
    return read


def _truth(row: dict[str, Any], fields: Field, place: str) -> Truth:
    document, label = row.pop(DOCUMENT, None), row.pop(LABEL, None)
    if not isinstance(document, str):
        raise ConfigError(f"{place}: {DOCUMENT!r} must be a text: the document's id or file name")
    if not isinstance(label, str | None):
        raise ConfigError(f"{place}: {LABEL!r} must be a text, not {shown(label)}")
    values = []
    for name, value in row.items():
        keys = keys_of(name, fields, place)
        require_known(value, fields.at(keys) or Field(), name, place)
        values.append((keys, value))
    return Truth(document, place, label or None, nested(values, fields, place))
