"""A page of a document as a picture beside its record, with the boxes of its evidence."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from docmill.flows.report import pictures
from docmill.flows.report.pictures import Shown
from docmill.flows.review.case import Case
from docmill.flows.review.context import Mark, focus, marks
from docmill.flows.review.documents import Documents
from docmill.schemas.decision import OpenPoint
from docmill.schemas.document import Document


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
    if content is None or isinstance(document, str):
        return {}
    evidence = [Shown(each.path, each.start, each.end) for each in marks(case, document.text)]
    return pictures.drawn(content, document, number, evidence)
