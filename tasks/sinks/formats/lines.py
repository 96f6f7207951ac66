"""JSON lines and CSV, written as they are read."""

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TextIO

from docmill.tasks.sinks import cells
from docmill.tasks.sinks.formats.export import Export, as_json, plain


def write_jsonl(export: Export, onto: TextIO) -> None:
    """Write an object a row."""
    for row in export.rows:
        written = {name: row.get(name) for name in export.columns}
        onto.write(json.dumps(written, ensure_ascii=False, default=as_json) + "\n")


def write_csv(export: Export, onto: TextIO, *, raw: bool = False) -> None:
    """Write a header and the rows, in quotes; no cell begins a formula, but where texts are to be `raw`."""
    table = csv.writer(onto, quoting=csv.QUOTE_MINIMAL if raw else csv.QUOTE_ALL)
    shown: Callable[[Any], Any] = cells.raw if raw else cells.safe
    table.writerow(map(shown, export.columns))
    for row in export.rows:
        table.writerow(_cell(row.get(name), shown) for name in export.columns)


def _cell(value: Any, shown: Callable[[Any], Any]) -> Any:
    return plain(value) if isinstance(value, Decimal) else shown(plain(value))
