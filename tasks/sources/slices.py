"""A document that is some pages of a larger one: its text, and what of it was not read, or recognized."""

import re

from docmill.schemas.document import Document
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.missed import Why
from docmill.tasks.sources.parsing.reasons import Reason
from docmill.tasks.sources.parsing.text import legible

PAGE = re.compile(r"page (\d{1,5})")


def page_texts(document: Document) -> list[str]:
    """Give the text of each page; a page without text begins where the next one does."""
    return [document.text[start:end].strip() for start, end in _bounds(document)]


def pages(document: Document, first: int, last: int) -> Document:
    """Give the pages from `first` to `last`, counted from 1; raises Unreadable where they hold no text.

    Its id stays: that of the file.
    """
    bounds = _bounds(document)[first - 1 : last]
    begin, end = bounds[0][0], bounds[-1][1]
    whole = document.text[begin:end]
    text = whole.rstrip()
    if not legible(text):
        raise Unreadable(Reason.EMPTY)
    unread = tuple(each for each in document.unread if _is_on(each.part, first, last))
    return document.stretch(begin, begin + len(text)).model_copy(
        update={
            "page_starts": tuple(min(start - begin, len(text)) for start, _ in bounds),
            "unread": unread,
            "pictures": _pictures(document, first, last),
            "first_page": first,
        }
    )


def _bounds(document: Document) -> list[tuple[int, int]]:
    starts = document.page_starts
    return list(zip(starts, (*starts[1:], len(document.text)), strict=True))


def _is_on(part: str, first: int, last: int) -> bool:
    """Say whether a part of a file is on these pages; what is on none of them is told of each document."""
    found = PAGE.fullmatch(part)
    return found is None or first <= int(found[1]) <= last


def _pictures(document: Document, first: int, last: int) -> tuple[str, ...]:
    """Choose the pictures of these pages: they are in the order of the pages that were recognized."""
    named = {int(found[1]) for each in document.recognized if (found := PAGE.fullmatch(each.part))}
    unsure = [each.part for each in document.unread if each.why in (Why.UNSURE, Why.FAINT)]
    named |= {int(found[1]) for part in unsure if (found := PAGE.fullmatch(part))}
    shown = zip(sorted(named), document.pictures, strict=False)
    return tuple(picture for number, picture in shown if first <= number <= last)
