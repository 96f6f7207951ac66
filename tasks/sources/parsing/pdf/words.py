"""The characters of a page of a PDF, with its line ends, as far as they stand on the page."""

import ctypes
from collections.abc import Callable
from typing import Any

from docmill.tasks.sources.parsing.pdf.raised import plain_marks

HYPHENS = ("\ufffe", "\x02")  # how PDFium gives a hyphen and the line end after it


def text_of(words: Any) -> str:  # pypdfium2 is untyped
    """Give the text of a page without what stands beside its visible part."""
    from pypdfium2 import raw

    text = words.get_text_range()
    area = words.page.get_bbox()
    left, bottom, right, top = area
    # The text of an area has no line ends where lines are turned; it costs least to ask for its length.
    length = raw.FPDFText_GetBoundedText(words, left, top, right, bottom, None, 0)
    if length != len(text) + 1 and not _same(text, words.get_text_bounded()):
        text = _within(words, area)
    text = plain_marks(words, text)
    for hyphen in HYPHENS:
        text = text.replace(hyphen, "-\n")
    return str(text)


def _same(text: str, bounded: str) -> bool:
    return "".join(text.split()).replace(*HYPHENS) == "".join(bounded.split())


def _within(words: Any, area: tuple[float, float, float, float]) -> str:
    """Give the characters whose middle lies in an area, and the blanks between them."""
    from pypdfium2 import raw

    left, bottom, right, top = area
    sides = [ctypes.c_double() for _ in range(4)]
    kept = []
    for index in range(words.count_chars()):
        code = raw.FPDFText_GetUnicode(words, index)
        if raw.FPDFText_IsGenerated(words, index) != 1:
            raw.FPDFText_GetCharBox(words, index, *sides)
            x, y = (sides[0].value + sides[1].value) / 2, (sides[2].value + sides[3].value) / 2
            if not (left <= x <= right and bottom <= y <= top):
                continue
        kept.append(chr(code) if code <= 0x10FFFF else "\ufffd")
    return "".join(kept)


def string(call: Callable[..., int], *of: Any) -> str:
    """Ask PDFium for a string: first how long it is, then what it is."""
    length = call(*of, None, 0)
    if length <= 2:
        return ""
    buffer = ctypes.create_string_buffer(length)
    call(*of, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), length)
    return buffer.raw[: length - 2].decode("utf-16-le", "replace")
