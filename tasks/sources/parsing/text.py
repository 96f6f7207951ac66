"""Text as docmill keeps it, and where in it the pages begin."""

import re
from collections.abc import Iterable
from typing import NamedTuple

LINE_ENDS = "\r\v\f\x85"
LINE_END = re.compile(rf"\r\n|[{LINE_ENDS}]")
UNPRINTED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
BETWEEN_PAGES = "\n\n"


class Span(NamedTuple):
    """A part of the text that was recognized on a picture, and how sure it is, 0 to 1."""

    part: str
    confidence: float
    start: int
    end: int


class Text(NamedTuple):
    """A document's text, the offsets in characters at which its pages begin, and what is not in it."""

    text: str
    page_starts: tuple[int, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()  # each part, and why
    seen: tuple[Span, ...] = ()  # what of it was a picture
    shown: tuple[str, ...] = ()  # these as data URLs, where they are asked for


def cleaned(text: str) -> str:
    """End lines in LF, and leave out control characters but tabs."""
    if any(end in text for end in LINE_ENDS):  # a look costs nothing, the search as much as reading all else
        text = LINE_END.sub("\n", text)
    return UNPRINTED.sub("", text)


def legible(text: str) -> bool:
    """Say whether there is anything to see in a text."""
    return any(char.isprintable() and not char.isspace() for char in text)


def paged(pages: Iterable[str]) -> Text:
    """Join pages, cleaned and stripped; one without text begins where the next one that has text does."""
    parts: list[str] = []
    starts: list[int] = []
    end = 0
    waiting = 0
    for page in pages:
        waiting += 1
        if text := cleaned(page).strip():
            begin = end + len(BETWEEN_PAGES) if parts else 0
            starts += [begin] * waiting
            waiting = 0
            parts.append(text)
            end = begin + len(text)
    return Text(BETWEEN_PAGES.join(parts), (*starts, *[end] * waiting))
