"""Cells of a CSV file that spreadsheets show and do not compute, and what was meant by them."""

import json
import unicodedata
from typing import Any

# What spreadsheets take for a formula, in both widths (OWASP, CSV Injection).
COMPUTED = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
BLANK = ("\t", "\r", "\n")


def raw(value: Any) -> Any:
    """Write a value as it is: a text, or JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def safe(value: Any) -> Any:
    """Write a cell that spreadsheets show and do not compute; a negative number is one."""
    if not isinstance(value, str):
        return raw(value)
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(" " if _control(char) else char for char in lines)
    return f"'{text}" if text.lstrip().startswith(COMPUTED) or value[:1] in BLANK else text


def meant(cell: str) -> str:
    """Give the text that a safe cell stands for: without the apostrophe that kept it from being computed."""
    inner = cell[1:]
    guarded = cell.startswith("'") and (inner.lstrip().startswith(COMPUTED) or inner[:1] in BLANK)
    return inner if guarded else cell


def _control(char: str) -> bool:
    return unicodedata.category(char) == "Cc" and char not in "\n\t"
