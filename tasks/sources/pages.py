"""Pages of documents as pictures, drawn by a child as texts are read by one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing import pool
from docmill.tasks.sources.parsing.kinds import PNG, kind_of
from docmill.tasks.sources.parsing.reasons import Reason

Box = tuple[float, float, float, float]  # left, top, right, bottom, in shares of the page
DRAWN: Literal["drawn"] = "drawn"


@dataclass(frozen=True)
class Picture:
    """A page as a PNG, of how many, and for each quote the boxes in which it stands."""

    png: bytes
    pages: int
    boxes: tuple[tuple[Box, ...], ...]


def has_pages(content: bytes) -> bool:
    """Say whether a document's pages can be drawn: those of a PDF."""
    return kind_of(content, "") == "pdf"


def picture(content: bytes, page: int, quotes: Sequence[tuple[str, int]]) -> Picture:
    """Draw a page, from 1; a quote is a text, and how often it stands on the page before it.

    What the child sends is trusted no more than the document. Raises Unreadable.
    """
    asked = json.dumps({"page": page, "quotes": quotes}).encode()
    tag, body = pool.parse(DRAWN, asked + b"\n" + content)
    head, _, png = body.partition(b"\n")
    try:
        told: dict[str, Any] = json.loads(head)
        boxes = tuple(tuple(_box(each) for each in of) for of in told["boxes"])
        pages = int(told["pages"])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise Unreadable(Reason.DIED) from None
    if tag != DRAWN or not png.startswith(PNG):
        raise Unreadable(Reason.DIED)
    return Picture(png, pages, boxes)


def _box(told: Sequence[float]) -> Box:
    left, top, right, bottom = (min(1.0, max(0.0, float(each))) for each in told)
    return left, top, right, bottom
