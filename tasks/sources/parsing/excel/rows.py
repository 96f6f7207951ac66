"""The rows of a sheet as JSON lines, part by part: numbers and texts as they are, dates as ISO texts."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing import wire
from docmill.tasks.sources.parsing.kinds import kind_of
from docmill.tasks.sources.parsing.office import office_kind
from docmill.tasks.sources.parsing.package import usual
from docmill.tasks.sources.parsing.reasons import MAX_TEXT_BYTES, Reason

MAX_ROWS = 1_048_576  # of a sheet
PART_BYTES = 1_000_000
Reply = tuple[str, bytes]


class Rows:
    """The rows of the sheet that was asked for last."""

    def __init__(self) -> None:
        self._lines: Iterator[bytes] = iter(())

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
        chosen.reset_dimensions()  # what the file says of them may be wrong
        filled = _filled(chosen.iter_rows(values_only=True))
        heads = {at: str(cell).strip() for at, cell in enumerate(next(filled, ())) if cell is not None}
        names = {at: name for at, name in heads.items() if name}
        self._lines = _lines(names, filled)
        return wire.NAMES, json.dumps(list(names.values())).encode()

    def more(self) -> Reply:
        """Give the next rows; none once all are given."""
        parts, size = [], 0
        for line in self._lines:
            parts.append(line)
            size += len(line)
            if size >= PART_BYTES:
                break
        return wire.LINES, b"".join(parts)


def _filled(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Leave out rows without a cell; raises Unreadable for a row that there cannot be."""
    for number, row in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise Unreadable(Reason.DAMAGED)
        if any(cell is not None for cell in row):
            yield row


def _lines(names: dict[int, str], rows: Iterator[tuple[Any, ...]]) -> Iterator[bytes]:
    for row in rows:
        told = {name: row[at] if at < len(row) else None for at, name in names.items()}
        line = json.dumps(told, ensure_ascii=False, default=_iso).encode("utf-8", "replace") + b"\n"
        if len(line) > MAX_TEXT_BYTES:
            raise Unreadable(Reason.LONG)
        yield line


def _iso(value: object) -> str:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, date | time) else str(value)
