"""A sheet of Excel, in which no cell is a formula."""

import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from docmill.schemas.errors import ConfigError
from docmill.tasks.sinks.formats.export import Export, as_json

MAX_ROWS = 1_048_576
MAX_CELL_CHARS = 32_767
CUT = "… (cut: Excel's cells take no more)"
EXACT = 10**15  # larger numbers lose digits there
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
TITLE = re.compile(r"[\[\]:*?/\\]")


def write_sheet(export: Export, onto: Path, title: str) -> None:
    """Write a workbook of one sheet; raises ConfigError where there are more rows than a sheet has."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(TITLE.sub("-", title)[:31])

    def cell(value: Any) -> Any:
        made = WriteOnlyCell(sheet, value=value)
        if isinstance(value, str):
            made.data_type = "s"  # whatever it begins with
        return made

    sheet.append([cell(_text(name)) for name in export.columns])
    for number, row in enumerate(export.rows, start=2):
        if number > MAX_ROWS:
            raise ConfigError(f"--to xlsx: more than {MAX_ROWS:,} rows: export csv or parquet")
        sheet.append([cell(_value(row.get(name))) for name in export.columns])
    book.save(onto)


def _value(value: Any) -> Any:
    match value:
        case bool() | None | float():
            return value
        case int():
            return value if abs(value) < EXACT else str(value)
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        case date() | time():
            return value
        case Decimal():
            exact = Decimal(repr(float(value))) == value and abs(value) < EXACT
            return float(value) if exact else format(value, "f")
        case str() | UUID():
            return _text(str(value))
    return _text(json.dumps(value, ensure_ascii=False, default=as_json))


def _text(text: str) -> str:
    text = CONTROLS.sub(" ", text)
    return text if len(text) <= MAX_CELL_CHARS else text[: MAX_CELL_CHARS - len(CUT)] + CUT
