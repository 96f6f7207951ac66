"""A sheet of an Excel workbook as JSON lines, which a child process reads of it."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from docmill.schemas.errors import ConfigError, Unreadable
from docmill.tasks.checks.spelling import meant
from docmill.tasks.sources.parsing import wire
from docmill.tasks.sources.parsing.kinds import Asked
from docmill.tasks.sources.parsing.process import Child
from docmill.tasks.sources.parsing.reasons import ROWS_MEMORY_MB, ROWS_WALL_S, Reason
from docmill.tasks.sources.tabular.separated import require_distinct

Unsaved = list[tuple[int, Annotated[str, Field(max_length=20)]]]
UNSAVED = TypeAdapter(Unsaved)  # rows by number, with the cell whose formula was never computed
MAX_LINES_BYTES = 5_000_000_000  # a short text that many cells share is written by each
TOO_MUCH = (
    f"takes more than {ROWS_MEMORY_MB:,} MB of memory, {ROWS_WALL_S} s or {MAX_LINES_BYTES:,} bytes on disk: "
    "save the sheet as CSV"
)


def write_lines(path: Path, sheet: str | None, shown: str, onto: Path) -> tuple[list[str], Unsaved]:
    """Write a sheet's rows, by the names in its first row, the first sheet where none is named.

    Gives these names, and the rows that are not written as a formula in them was never computed. Raises
    ConfigError for what is no workbook that can be read, and OSError.
    """
    try:
        with closing(_Reader()) as reader, onto.open("wb") as lines:
            names, sheets = reader.begun(sheet, _content(path))
            if sheet is not None and sheets:
                raise ConfigError(f"rows.sheet: {shown} has no sheet {sheet!r}{meant(sheet, sheets)}")
            require_distinct(tuple(names), shown)
            room = MAX_LINES_BYTES
            for part in reader.parts():
                room -= len(part)
                if room < 0:
                    raise Unreadable(Reason.LONG)
                lines.write(part)
            return names, reader.unsaved
    except Unreadable as error:
        too_much = error.args[0] in (Reason.MEMORY, Reason.SLOW, Reason.LONG)
        raise ConfigError(f"rows.files: {shown}: {TOO_MUCH if too_much else error}") from None


class _Reader:
    """A child that reads one sheet, and is trusted no more than the file; its methods raise Unreadable."""

    def __init__(self) -> None:
        self._child = Child(rows=True)
        self.unsaved: Unsaved = []

    def begun(self, sheet: str | None, content: bytes) -> tuple[list[str], list[str]]:
        """Give the names of the columns, or where there is no such sheet those of the sheets."""
        tag, body = self._asked("rows", wire.asking_rows(sheet, content))
        try:
            names = json.loads(body)
        except (ValueError, RecursionError):
            raise Unreadable(Reason.DIED) from None
        known = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if not known or tag not in (wire.NAMES, wire.SHEETS):
            raise Unreadable(Reason.DIED)
        return (names, []) if tag == wire.NAMES else ([], names)

    def parts(self) -> Iterator[bytes]:
        """Give the rows, some lines at a time."""
        while part := self._more():
            yield part

    def _more(self) -> bytes:
        tag, body = self._asked("more", b"")
        if tag == wire.UNSAVED:
            self.unsaved += _rows(body)
            return self._more()
        if tag != wire.LINES:
            raise Unreadable(Reason.DIED)
        return body

    def close(self) -> None:
        """End the child."""
        self._child.end()

    def _asked(self, kind: Asked, content: bytes) -> tuple[str, bytes]:
        reply = self._child.parse(kind, content, ROWS_WALL_S)
        if isinstance(reply, Reason):
            raise Unreadable(reply)
        return reply


def _rows(body: bytes) -> Unsaved:
    try:
        return UNSAVED.validate_json(body)
    except ValidationError:
        raise Unreadable(Reason.DIED) from None


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(wire.MAX_WORKBOOK_BYTES + 1)
    if len(content) > wire.MAX_WORKBOOK_BYTES:
        raise Unreadable(
            f"the workbook is larger than {wire.MAX_WORKBOOK_BYTES:,} bytes: save the sheet as CSV"
        )
    return content
