"""Pages of documents as pictures, drawn by a child as texts are read by one."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any, Literal

from docmill.schemas.document import Document
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources import scans
from docmill.tasks.sources.parsing import pool
from docmill.tasks.sources.parsing.kinds import PNG, kind_of
from docmill.tasks.sources.parsing.quotes import Box, Wanted, asking, before_each, plain_text
from docmill.tasks.sources.parsing.reasons import Reason

DRAWN: Literal["drawn"] = "drawn"
JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True)
class Picture:
    """A page as a PNG or JPEG, of how many, and for each span of the text the boxes in which it stands."""

    image: bytes
    pages: int
    boxes: tuple[tuple[Box, ...], ...]

    def url(self) -> str:
        """Write the picture as a data URL."""
        kind = "png" if self.image.startswith(PNG) else "jpeg"
        return f"data:image/{kind};base64,{b64encode(self.image).decode('ascii')}"


def page_span(document: Document, number: int) -> tuple[int, int]:
    """Say where in a document's text a page of its file begins and ends; raises Unreadable without one."""
    within = number - document.first_page
    if not 0 <= within < len(document.page_starts):
        raise Unreadable(Reason.DAMAGED)
    ends = (*document.page_starts[1:], len(document.text))
    return document.page_starts[within], ends[within]


def picture(content: bytes, document: Document, number: int, spans: Sequence[tuple[int, int]]) -> Picture:
    """Draw a page of a PDF or of a picture that was read, from 1; `spans` are offsets within the page.

    What the child sends is trusted no more than the document. Raises Unreadable.
    """
    begin, end = page_span(document, number)
    kind = kind_of(content, ".pdf")  # which may stand behind other bytes
    seen = scans.available() and any(each.part == f"page {number}" for each in document.recognized)
    if kind == "image" and not seen:
        raise Unreadable(Reason.IMAGE)
    if kind not in ("pdf", "image"):
        raise Unreadable(Reason.EMPTY)
    text = document.text[begin:end]
    before = before_each(text)
    quotes = [
        (plain_text(text[start - begin : stop - begin]), before[start - begin]) for start, stop in spans
    ]
    asked = asking(Wanted(number - 1, quotes, "image" if kind == "image" else "pdf", seen), content)
    return _answered(*pool.parse(DRAWN, asked, sees=seen))


def _answered(tag: str, body: bytes) -> Picture:
    head, _, image = body.partition(b"\n")
    try:
        pages, boxes = json.loads(head)
        found = Picture(image, int(pages), tuple(tuple(starmap(_box, of)) for of in boxes))
    except (ValueError, LookupError, TypeError, RecursionError):
        raise Unreadable(Reason.DIED) from None
    if tag != DRAWN or not image.startswith((PNG, JPEG)):
        raise Unreadable(Reason.DIED)
    return found


def _box(*told: Any) -> Box:
    left, top, right, bottom = (min(1.0, max(0.0, float(each))) for each in told)
    return left, top, right, bottom
