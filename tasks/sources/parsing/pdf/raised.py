"""Small digits behind a number of a PDF, written as the raised marks that they are: 100², not 1002."""

import ctypes
import re
from math import hypot
from typing import Any

from docmill.tasks.sources.parsing.html.raised import RAISED

NUMBER = re.compile(r"[0-9](?:[0-9.,]*[0-9])")
SMALLER = 0.8  # of the size of the digits before: marks have 0.5 to 0.7


def plain_marks(words: Any, text: str) -> str:  # pypdfium2 is untyped
    """Write the small digits at the ends of a page's numbers as characters; `text` is the page's."""
    if words.count_chars() != len(text):
        return text  # its characters cannot be told by their numbers
    return NUMBER.sub(lambda number: _plain(words, number), text)


def _plain(words: Any, number: re.Match[str]) -> str:
    start, end = number.span()
    least = SMALLER * _size(words, start)
    mark = end
    while mark > start + 1 and number.string[mark - 1].isdigit() and _size(words, mark - 1) < least:
        mark -= 1
    return number.string[start:mark] + "".join(RAISED[digit] for digit in number.string[mark:end])


def _size(words: Any, index: int) -> float:
    from pypdfium2 import raw

    drawn = raw.FS_MATRIX()
    if not raw.FPDFText_GetMatrix(words, index, ctypes.byref(drawn)):
        return 0.0
    return float(raw.FPDFText_GetFontSize(words, index)) * hypot(drawn.c, drawn.d)
