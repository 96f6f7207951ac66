"""Excel workbooks as text: each sheet's name, and its rows with a tab between cells.

Values are those that the program saved: no formula is computed, no link is followed, no macro is read.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.missed import Missed
from docmill.tasks.sources.parsing.reasons import MAX_PAGES, MAX_TEXT_BYTES, Reason


def sheets(content: bytes, missed: Missed) -> Iterator[str]:
    """Give the text of each sheet; nothing for a sheet without values."""
    import openpyxl

    workbook = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
    if len(workbook.worksheets) > MAX_PAGES:
        raise Unreadable(Reason.PAGES)
    for sheet in workbook.worksheets:
        sheet.reset_dimensions()  # they are what the file says, which need not be so
        rows = "\n".join(_lines(sheet.iter_rows(values_only=True)))
        yield f"## {_cell(sheet.title)}\n\n{rows}" if rows else ""


def _lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    room = MAX_TEXT_BYTES
    for row in rows:
        if line := "\t".join(map(_cell, row)).rstrip("\t"):
            room -= len(line)
            if room < 0:
                raise Unreadable(Reason.LONG)
            yield line


def _cell(value: Any) -> str:
    """Write a value as the program shows it, dates as ISO 8601."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return f"{value:.15g}"  # the digits that Excel keeps
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ", "seconds")
        case date() | time():
            return value.isoformat()
        case _:
            return " ".join(str(value).split())
