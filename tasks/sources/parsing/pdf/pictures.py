"""Pages of a PDF that are pictures: what stands on them is no text, or hardly any of it is."""

import ctypes
from collections.abc import Iterator
from typing import Any

from docmill.tasks.sources.parsing.missed import Why

MAX_DEPTH = 5  # of groups within groups of a page's objects
MAX_OBJECTS = 100_000
LEAST_COVERED = 0.5  # of the page, by a picture that may be a scan
LEAST_COVERED_ALONE = 0.1  # the same on a page without text
LEAST_BODY = 100  # characters: fewer are a stamp, a number or a watermark
MOST_BESIDE = 400  # characters: no page's head, foot and stamp are longer
BLANKS = " \r\n\t"
MARGIN = 0.08  # of the page's width and height: what stands there is the head or foot of a page
LEAST_LINES = 300  # of paths on a page without text: letters that are drawn


def drawn(page: Any) -> bool:  # pypdfium2 is untyped
    """Say whether anything is drawn on a page."""
    from pypdfium2 import raw

    return bool(raw.FPDFPage_CountObjects(page) > 0)


def unread(page: Any, words: Any, text: str) -> Why | None:
    """Say why a page's text is not what stands on it, if so."""
    length = len(text) - sum(map(text.count, BLANKS))
    if not length:
        return _unread_alone(page)
    if length >= MOST_BESIDE or _covered(page) < LEAST_COVERED or _recognized(page):
        return None
    return Why.SCANNED if length < LEAST_BODY or _body(page, words) < LEAST_BODY else None


def _unread_alone(page: Any) -> Why | None:
    from pypdfium2 import raw

    if _covered(page) >= LEAST_COVERED_ALONE:
        return Why.SCANNED
    lines = sum(max(0, raw.FPDFPath_CountSegments(path)) for path in _objects(page, raw.FPDF_PAGEOBJ_PATH))
    return Why.DRAWN if lines >= LEAST_LINES else None


def _body(page: Any, words: Any) -> int:
    """Count the characters within a page's margins."""
    left, bottom, right, top = page.get_bbox()
    aside, above = MARGIN * (right - left), MARGIN * (top - bottom)
    inner = words.get_text_bounded(left + aside, bottom + above, right - aside, top - above)
    return sum(map(len, inner.split()))


def _recognized(page: Any) -> bool:
    """Say whether a page has invisible text, as OCR lays it over or under a scan."""
    from pypdfium2 import raw

    return any(
        raw.FPDFTextObj_GetTextRenderMode(text) == raw.FPDF_TEXTRENDERMODE_INVISIBLE
        for text in _objects(page, raw.FPDF_PAGEOBJ_TEXT)
    )


def _covered(page: Any) -> float:
    """Give the share of a page that pictures cover; they may be strips of one."""
    from pypdfium2 import raw

    left, bottom, right, top = page.get_bbox()
    area = 0.0
    sides = [ctypes.c_float() for _ in range(4)]
    for picture in _objects(page, raw.FPDF_PAGEOBJ_IMAGE):
        if raw.FPDFPageObj_GetBounds(picture, *sides):
            x0, y0, x1, y1 = (side.value for side in sides)
            area += max(0.0, min(x1, right) - max(x0, left)) * max(0.0, min(y1, top) - max(y0, bottom))
    return float(area / max((right - left) * (top - bottom), 1.0))


def _objects(page: Any, kind: int) -> Iterator[Any]:
    """Give a page's objects of a kind, those in groups too."""
    from pypdfium2 import raw

    room = MAX_OBJECTS
    groups = [(page, raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject, 0)]
    while groups:
        group, count, get, depth = groups.pop()
        for index in range(min(room, count(group))):
            each = get(group, index)
            found = raw.FPDFPageObj_GetType(each)
            room -= 1
            if found == kind:
                yield each
            elif found == raw.FPDF_PAGEOBJ_FORM and depth < MAX_DEPTH:
                groups.append((each, raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject, depth + 1))
