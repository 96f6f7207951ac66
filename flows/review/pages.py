"""A page of a document as a picture beside its record, with the boxes of its evidence."""

import base64
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from docmill.flows.review.case import Case
from docmill.flows.review.context import Mark, focus, marks
from docmill.flows.review.documents import Documents
from docmill.schemas.decision import OpenPoint
from docmill.schemas.document import Document
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.pages import Picture, has_pages, picture

MOST_LINES = 200  # of evidence, whose boxes are looked for on a page


@dataclass(frozen=True)
class _Line:
    """A line of evidence: of which field, and how often its text stands on the page before it."""

    path: str
    text: str
    before: int


def page_of(case: Case, point: OpenPoint, document: Document, found: Sequence[Mark]) -> int | None:
    """Say on which page of its file a point is looked at: where it, or what is nearest to it, stands.

    `found` are the marks of the document.
    """
    if not document.page_starts:
        return None
    place = focus(case, point, found)
    return document.first_page + (max(1, bisect_right(document.page_starts, place.start)) - 1 if place else 0)


def drawn(case: Case, texts: Documents, number: int) -> dict[str, Any]:
    """Give a page of a case's document as a picture with its boxes; nothing where it has none.

    The file is read again, and has to be the one that the outcome was made of.
    """
    document, content = texts.of(case), texts.content(case)
    if content is None or isinstance(document, str) or not has_pages(content):
        return {}
    within = number - document.first_page
    if not 0 <= within < len(document.page_starts):
        return {}
    lines = list(_lines(case, document, within))[:MOST_LINES]
    try:
        found = picture(content, number, [(line.text, line.before) for line in lines])
    except Unreadable:  # its text can be read all the same
        return {}
    return {"page": number, "pages": found.pages, "image": _url(found), "boxes": _boxes(lines, found)}


def _lines(case: Case, document: Document, number: int) -> Iterator[_Line]:
    """Give the lines of all evidence that stands on a page, counted from 0."""
    ends = (*document.page_starts[1:], len(document.text))
    begin, end = document.page_starts[number], ends[number]
    for mark in marks(case, document.text):
        if not begin <= mark.start < end:
            continue
        at = mark.start
        for line in document.text[mark.start : mark.end].splitlines(keepends=True):
            if text := line.strip():
                yield _Line(mark.path, text, document.text.count(text, begin, at + line.index(text)))
            at += len(line)


def _boxes(lines: list[_Line], found: Picture) -> list[dict[str, Any]]:
    pairs = zip(lines, found.boxes, strict=False)
    return [{"path": line.path, "box": box} for line, boxes in pairs for box in boxes]


def _url(found: Picture) -> str:
    return f"data:image/png;base64,{base64.b64encode(found.png).decode('ascii')}"
