"""Pages of a PDF that are pictures, drawn for those who read pictures."""

from typing import Any

from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.pdf.forms import Note, joined

DOTS_A_POINT = 200 / 72  # 200 dots an inch
LONGEST_SIDE = 2400  # pixels
NAMELESS = (Why.GLYPHS, Why.GARBLED)  # there are letters, but not which
READABLE = (Why.SCANNED, Why.DRAWN, *NAMELESS)


def read(page: Any, number: int, text: str, unread: Why | None, missed: Missed) -> tuple[str, Why | None]:
    """Give a page's text, and why it is not whole, once its picture is read; pypdfium2 is untyped."""
    reader = missed.reader
    if reader is None or not (unread in READABLE or reader.always):
        return text, unread
    part = f"page {number + 1}"
    if not reader.takes(part, missed):
        return text, unread
    from docmill.tasks.sources.parsing.ocr.reader import read as read_picture

    seen = read_picture(part, drawn(page), missed)
    if seen is None:  # which is told
        return "" if unread in NAMELESS else text, None
    if not seen:  # letters without names are letters all the same
        return text, Why.UNSURE if unread in NAMELESS else None
    beside = [Note(line, line, True) for line in text.splitlines() if line.strip()]
    return seen if unread in NAMELESS else joined(seen, beside), None


def drawn(page: Any) -> Any:
    """Draw a page as numpy's array, blue first."""
    import numpy

    wide, high = page.get_size()
    scale = min(DOTS_A_POINT, LONGEST_SIDE / max(wide, high, 1.0))
    return numpy.ascontiguousarray(page.render(scale=scale).to_numpy()[:, :, :3])
