"""A sheet of an Excel workbook as JSON lines: numbers and texts as they are, dates as ISO texts."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

from docmill.schemas.errors import ConfigError, Unreadable
from docmill.tasks.checks.spelling import meant
from docmill.tasks.sources.parsing.office import office_kind
from docmill.tasks.sources.parsing.package import usual
from docmill.tasks.sources.tabular.separated import require_distinct

MAX_BYTES = 100_000_000


def write_lines(path: Path, sheet: str | None, shown: str, onto: Path) -> None:
    """Write a sheet's rows, by the names in its first row, the first sheet where none is named.

    Raises ConfigError for what is no workbook that can be read.
    """
    import openpyxl

    try:
        content = _content(path)
        book = openpyxl.load_workbook(BytesIO(content), read_only=True, data_only=True, keep_links=False)
        chosen = _chosen(book, sheet, shown)
        chosen.reset_dimensions()  # what the file says of them may be wrong
        rows = chosen.iter_rows(values_only=True)
        with onto.open("w", encoding="utf-8") as lines:
            for row in _named(rows, shown):
                lines.write(json.dumps(row, ensure_ascii=False, default=_iso) + "\n")
    except (ConfigError, OSError):
        raise
    except Unreadable as error:
        raise ConfigError(f"rows.files: {shown}: {error}") from None
    except Exception as error:  # noqa: BLE001 - openpyxl raises whatever a damaged file leads it to
        raise ConfigError(f"rows.files: {shown} cannot be read as Excel: {type(error).__name__}") from None


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise Unreadable(f"the workbook is larger than {MAX_BYTES:,} bytes: save the sheet as CSV")
    if office_kind(content) != "xlsx":
        raise Unreadable("no Excel workbook")
    return usual(content)


def _chosen(book: Any, sheet: str | None, shown: str) -> Any:
    if sheet is None:
        return book.worksheets[0]
    if sheet not in book.sheetnames:
        raise ConfigError(f"rows.sheet: {shown} has no sheet {sheet!r}{meant(sheet, book.sheetnames)}")
    return book[sheet]


def _named(rows: Iterator[tuple[Any, ...]], shown: str) -> Iterator[dict[str, Any]]:
    """Give the rows below the first that has a cell, by its names; rows without a cell are none."""
    filled = (row for row in rows if any(cell is not None for cell in row))
    first = next(filled, ())
    names = {at: str(cell).strip() for at, cell in enumerate(first) if cell is not None}
    require_distinct(tuple(names.values()), shown)
    for row in filled:
        yield {name: row[at] if at < len(row) else None for at, name in names.items()}


def _iso(value: object) -> str:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, date | time) else str(value)
