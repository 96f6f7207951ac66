"""Places in a record: as JSON Pointers (RFC 6901), and as people write them, such as `lines[0].price`."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from docmill.tasks.checks.faults import Path, place
from docmill.tasks.checks.subschemas import written

PART = re.compile(r"[^.\[\]]+")
DOTTED = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[\d+\])*")
INDEX = re.compile(r"0|[1-9]\d{0,8}")
END = "-"  # the place behind the last item


class Absent:
    """What stands where nothing stands: no value of JSON."""


ABSENT = Absent()


def pointer(path: Sequence[str | int]) -> str:
    """Write a path as a JSON Pointer."""
    return written(tuple(map(str, path)))


def path_in(record: Any, text: str) -> Path:
    """Read a JSON Pointer, or a dotted path, as the path that it is in a record.

    A part is an index where it leads into an array; `-` is the place behind its last item. Raises
    ValueError where the text is neither, or what it leads into holds nothing.
    """
    is_pointer = not text or text.startswith("/")
    parts = parts_of(text) if is_pointer else tuple(_dotted(record, text))
    path: list[str | int] = []
    found = record
    for part in parts:
        if isinstance(found, list):
            if part != END and not INDEX.fullmatch(part):
                raise ValueError(f"{place(tuple(path))} is a list: {part!r} is no number of an item")
            path.append(len(found) if part == END else int(part))
        elif isinstance(found, dict):
            path.append(part)
        else:
            raise ValueError(f"{place(tuple(path)) or 'the record'} holds no {part!r}")
        found = value_at(found, path[-1:])
        found = {} if found is ABSENT else found
    return tuple(path)


def parts_of(text: str) -> tuple[str, ...]:
    """Cut a JSON Pointer into its parts."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def value_at(value: Any, path: Sequence[str | int]) -> Any:
    """Give the value at a path; ABSENT where there is none."""
    for part in path:
        if isinstance(value, list):
            value = value[part] if isinstance(part, int) and part < len(value) else ABSENT
        else:
            value = value.get(part, ABSENT) if isinstance(value, dict) else ABSENT
    return value


def with_value(value: Any, path: Sequence[str | int], new: Any) -> Any:
    """Copy a value with another one at a path; raises LookupError where nothing holds that place."""
    if not path:
        return new
    part, *rest = path
    if isinstance(value, dict):
        return {**value, str(part): with_value(value.get(str(part)), rest, new)}
    if isinstance(value, list) and isinstance(part, int) and part <= len(value):
        inner = value[part] if part < len(value) else None
        return [*value[:part], with_value(inner, rest, new), *value[part + 1 :]]
    raise LookupError(part)


def nodes(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Give every value within a value, itself first, with its path."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, each in inner:
        yield from nodes(each, (*path, part))


def is_within(path: str, whole: str) -> bool:
    """Say whether a pointer leads to the place of another one, or below it."""
    return path == whole or path.startswith(f"{whole}/")


def _dotted(record: Any, text: str) -> list[str]:
    """Cut a dotted path; a name that the record has as it is written is that one."""
    if isinstance(record, dict) and text in record:
        return [text]
    if not DOTTED.fullmatch(text):
        raise ValueError(f"{text!r} is no path, such as lines[0].price or /lines/0/price")
    return PART.findall(text)
