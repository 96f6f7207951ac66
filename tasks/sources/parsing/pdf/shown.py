"""A page of a PDF as a picture, and where quotes of its text stand on it."""

import ctypes
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.kinds import PNG
from docmill.tasks.sources.parsing.pdf import pdf
from docmill.tasks.sources.parsing.quotes import Box, Drawn, Letters, Quote
from docmill.tasks.sources.parsing.reasons import Reason

LONGEST_SIDE = 1400  # pixels
MOST_SCALE = 3.0
MOST_CHARS = 200_000  # of a page, that are searched
MOST_LINES = 20  # of a quote
SHARES = 100_000  # of a page's width and height, in which places on it are asked for


def shown(content: bytes, number: int, quotes: Sequence[Quote]) -> Drawn:
    """Draw a page, from 0: how many there are, a PNG, and the boxes of quotes in shares of the page."""
    with pdf.opened(content) as document:
        if not 0 <= number < len(document):
            raise Unreadable(Reason.DAMAGED)
        page = pdf.flat(document, number, document[number])
        return Drawn(len(document), _png(_drawn(page)), list(_boxes(page, quotes)))


def _drawn(page: Any) -> Any:  # pypdfium2 is untyped
    from pypdfium2 import raw

    scale = min(MOST_SCALE, LONGEST_SIDE / max(page.get_size()))
    return page.render(scale=scale, rev_byteorder=True, force_bitmap_format=raw.FPDFBitmap_BGR)


def _boxes(page: Any, quotes: Sequence[Quote]) -> Iterator[list[Box]]:
    """Find where each quote stands; of one over several lines each line."""
    words = page.get_textpage()
    try:
        letters = Letters(_chars(words))
        for quote in quotes:
            places = letters.find(*quote)
            yield [_drawn_at(page, each) for each in (_rectangles(words, places) if places else ())]
    finally:
        words.close()


def _chars(words: Any) -> Iterator[tuple[str, int]]:
    """Give the characters of a page, each with its number: PDFium has ligatures as several already."""
    from pypdfium2 import raw

    for index in range(min(MOST_CHARS, words.count_chars())):
        code = raw.FPDFText_GetUnicode(words, index)
        yield chr(code) if code <= 0x10FFFF else "\ufffd", index


def _rectangles(words: Any, places: Sequence[int]) -> Iterator[Box]:
    count = words.count_rects(places[0], places[-1] + 1 - places[0])
    for number in range(min(MOST_LINES, count)):
        yield words.get_rect(number)


def _drawn_at(page: Any, rectangle: Box) -> Box:
    """Give where a rectangle of a page's own points is drawn: the page may be turned, or cut."""
    x0, y0, x1, y1 = rectangle
    (left, top), (right, bottom) = _share(page, x0, y0), _share(page, x1, y1)
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def _share(page: Any, x: float, y: float) -> tuple[float, float]:
    from pypdfium2 import raw

    across, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, SHARES, SHARES, 0, x, y, across, down)
    return across.value / SHARES, down.value / SHARES


def _png(bitmap: Any) -> bytes:
    """Write a bitmap of three bytes a pixel as a PNG."""
    row, stride, data = 3 * bitmap.width, bitmap.stride, bytes(bitmap.buffer)
    rows = b"".join(b"\0" + data[at : at + row] for at in range(0, stride * bitmap.height, stride))
    header = struct.pack(">IIBBBBB", bitmap.width, bitmap.height, 8, 2, 0, 0, 0)
    return PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 6)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
