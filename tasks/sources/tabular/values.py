"""DuckDB's values as docmill has them: none is rounded, and what Python does not hold is a text."""

import json
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from docmill.tasks.sources.tabular.structure import is_deep
from docmill.tasks.sources.values import Beyond, exact

Reader = Callable[[str], Any]
PYTHON_DIGITS = 6  # of a second: Python would drop the others


def _date(text: str) -> Any:
    return _or_text(date.fromisoformat, text)


def _time(text: str) -> Any:
    return _or_text(time.fromisoformat, text)


def _datetime(text: str) -> Any:
    return _or_text(datetime.fromisoformat, text)


def _json(text: str) -> Any:
    return Beyond(text) if is_deep(text) else json.loads(text, parse_float=exact)


# By the beginning of a type's name; DuckDB would fold an interval's months into days, write infinity as
# the last day that Python knows, and a FLOAT with digits that it does not have.
READERS: dict[str, Reader] = {
    "DATE": _date,
    "TIMESTAMP": _datetime,
    "TIME": _time,
    "INTERVAL": str,
    "FLOAT": float,
    "JSON": _json,
}


def reader_of(kind: str) -> Reader | None:
    """Choose what makes a value of its text, by its column's type; None where DuckDB's own value is right."""
    if kind.endswith("]"):  # an array's values are DuckDB's own
        return None
    return next((read for name, read in READERS.items() if kind.startswith(name)), None)


def _or_text(read: Callable[[str], Any], text: str) -> Any:
    digits = text.partition(".")[2][PYTHON_DIGITS:].partition("+")[0]
    if digits.strip("0"):
        return Beyond(text)
    try:
        return read(text)
    except ValueError:
        return Beyond(text)
