"""A page of a PDF as a picture, and where texts stand on it: for a person who looks at it beside a record."""

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.kinds import PNG
from docmill.tasks.sources.parsing.pdf import pdf
from docmill.tasks.sources.parsing.reasons import Reason

LONGEST_SIDE = 1400  # pixels
MOST_SCALE = 3.0
MOST_QUOTES, MOST_BOXES = 200, 20


def shown(asked: bytes) -> bytes:
    """Draw a page; `asked` is a line of JSON (`page` from 1, `quotes` of [text, which]) and the PDF.

    Gives a line of JSON (`boxes` of each quote: left, top, right, bottom in shares of the page) and a PNG.
    """
    head, _, content = asked.partition(b"\n")
    wanted = json.loads(head)
    with pdf.opened(content) as document:
        number = wanted["page"] - 1
        if not 0 <= number < len(document):
            raise Unreadable(Reason.DAMAGED)
        page = pdf.flat(document, number, document[number])
        told = {
            "pages": len(document),
            "boxes": [_boxes(page, *each) for each in wanted["quotes"][:MOST_QUOTES]],
        }
        return json.dumps(told).encode() + b"\n" + _png(_drawn(page))


def _drawn(page: Any) -> Any:  # pypdfium2 is untyped
    from pypdfium2 import raw

    scale = min(MOST_SCALE, LONGEST_SIDE / max(page.get_size()))
    return page.render(scale=scale, rev_byteorder=True, force_bitmap_format=raw.FPDFBitmap_BGR)


def _boxes(page: Any, quote: str, which: int) -> list[list[float]]:
    """Find where a quote stands for the n-th time, from 0; of one over several lines each line."""
    words = page.get_textpage()
    width, height = page.get_size()
    found: list[list[float]] = []
    try:
        for line in filter(None, map(str.strip, quote.splitlines())):
            place = _place(words, line, which)
            for left, bottom, right, top in _rectangles(words, *place) if place else ():
                found.append([left / width, 1 - top / height, right / width, 1 - bottom / height])
    finally:
        words.close()
    return found[:MOST_BOXES]


def _place(words: Any, line: str, which: int) -> tuple[int, int] | None:
    """Find a line of text; the last place of it where it stands less often."""
    finder = words.search(line, match_case=True)
    last = None
    for _ in range(which + 1):
        if (found := finder.get_next()) is None:
            break
        last = found
    return last


def _rectangles(words: Any, index: int, count: int) -> Iterator[tuple[float, float, float, float]]:
    for number in range(min(MOST_BOXES, words.count_rects(index, count))):
        yield words.get_rect(number)


def _png(bitmap: Any) -> bytes:
    """Write a bitmap of three bytes a pixel as a PNG."""
    row, stride, data = 3 * bitmap.width, bitmap.stride, bytes(bitmap.buffer)
    rows = b"".join(b"\0" + data[at : at + row] for at in range(0, stride * bitmap.height, stride))
    header = struct.pack(">IIBBBBB", bitmap.width, bitmap.height, 8, 2, 0, 0, 0)
    return PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 6)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
