"""The rows of a sheet as JSON lines, part by part: numbers and texts as they are, dates as ISO texts."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import Any, NamedTuple

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing import wire
from docmill.tasks.sources.parsing.kinds import kind_of
from docmill.tasks.sources.parsing.office import office_kind
from docmill.tasks.sources.parsing.package import usual
from docmill.tasks.sources.parsing.reasons import MAX_TEXT_BYTES, Reason

MAX_ROWS = 1_048_576  # of a sheet
PART_BYTES = 1_000_000
MAX_UNSAVED = 10_000  # rows, which are told one by one
Reply = tuple[str, bytes]


class Cell(NamedTuple):
    """A cell's value; `unsaved` is its name where a formula has none."""

    value: Any
    unsaved: str | None


Row = tuple[int, dict[int, Cell]]


class Rows:
    """The rows of the sheet that was asked for last."""

    def __init__(self) -> None:
        self._lines: Iterator[bytes] = iter(())
        self._unsaved: list[tuple[int, str]] = []

    def begun(self, body: bytes) -> Reply:
        """Name the columns, which stand in the first row that has a cell; or the sheets, where it is none."""
        import openpyxl

        wanted, content = wire.asked_rows(body)
        kind = kind_of(content, ".xlsx")
        if isinstance(kind, Reason):
            raise Unreadable(kind)
        if kind != "office" or office_kind(content) != "xlsx":
            raise Unreadable(Reason.NO_WORKBOOK)
        content = usual(content)
        book = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        chosen = book.worksheets[0] if wanted is None else sheets.get(wanted)
        if chosen is None:
            return wire.SHEETS, json.dumps(list(sheets)).encode()
        filled = _filled(book, chosen)
        _, head = next(filled, (0, {}))
        if any(cell.unsaved for cell in head.values()):
            raise Unreadable(Reason.NO_VALUES)
        heads = {at: str(cell.value).strip() for at, cell in head.items()}
        names = {at: name for at, name in sorted(heads.items()) if name}
        self._unsaved = []
        self._lines = self._written(names, filled)
        return wire.NAMES, json.dumps(list(names.values())).encode()

    def more(self) -> Reply:
        """Give the next rows, then those with a formula that was never computed; none once all are given."""
        parts, size = [], 0
        for line in self._lines:
            parts.append(line)
            size += len(line)
            if size >= PART_BYTES:
                break
        if parts or not self._unsaved:
            return wire.LINES, b"".join(parts)
        told, self._unsaved = json.dumps(self._unsaved).encode(), []
        return wire.UNSAVED, told

    def _written(self, names: dict[int, str], rows: Iterator[Row]) -> Iterator[bytes]:
        for number, row in rows:
            if unsaved := next((row[at].unsaved for at in names if at in row and row[at].unsaved), None):
                self._unsaved.append((number, unsaved))
                if len(self._unsaved) > MAX_UNSAVED:
                    raise Unreadable(Reason.NO_VALUES)
                continue
            told = {name: row[at].value if at in row else None for at, name in names.items()}
            line = json.dumps(told, ensure_ascii=False, default=_iso).encode("utf-8", "replace") + b"\n"
            if len(line) > MAX_TEXT_BYTES:
                raise Unreadable(Reason.LONG)
            yield line


def _filled(book: Any, sheet: Any) -> Iterator[Row]:
    """Give each row that has a cell by its number; raises Unreadable for a row that there cannot be."""
    from docmill.tasks.sources.parsing.excel.computed import Computed

    with sheet._get_source() as source:
        parser = Computed(source, book, sheet._shared_strings)
        for number, cells in parser.parse():
            if number > MAX_ROWS:
                raise Unreadable(Reason.DAMAGED)
            row = {
                cell["column"]: Cell(cell["value"], cell.get("unsaved"))
                for cell in cells
                if cell["value"] is not None or "unsaved" in cell
            }
            parser.unsaved.clear()
            if row:
                yield number, row


def _iso(value: object) -> str:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, date | time) else str(value)
