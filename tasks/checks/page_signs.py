"""What a page shows of the document that it belongs to: its number, its sender, a head that it repeats."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from docmill.tasks.checks.evidence.dates import holds_day

EDGE_LINES = 3  # a page's number stands in its first or last lines
TOP_LINES, SHORT_CHARS = 10, 60  # a head, an addressee and a title stand in the first lines, and are short
NUMBERED = re.compile(
    r"\b(?:page|seite|blatt|pagina|página|pág\.?|p\.)\s*(\d{1,4})(?:\s*(?:of|von|de|di|sur|/)\s*(\d{1,4}))?\b"
    r"|^\W*(\d{1,4})\s*(?:/|of|von)\s*(\d{1,4})\W*$"
    r"|^\s*[-–—]\s*(\d{1,4})\s*[-–—]\s*$",
    re.IGNORECASE,
)
BLANKS = re.compile(r"\W+")
WORD = re.compile(r"[^\W\d]+")


class Said(NamedTuple):
    """What a model says of a page: that a document begins on it, its number, its sender, its label."""

    begins: bool
    number: int | None = None
    sender: str | None = None
    label: str | None = None


class Page(NamedTuple):
    """A page as it counts: only what stands on it; `of` is how many pages it says that there are."""

    begins: bool
    number: int | None
    of: int | None
    sender: str
    label: str | None


def seen(text: str, said: Said) -> Page:
    """Hold what is said of a page against its text: a number or sender that does not stand there is none."""
    number, of = printed(text)
    if number is None and said.number is not None:
        edges = " ".join(_edges(text))
        number = said.number if re.search(rf"(?<!\d){said.number}(?!\d)", edges) else None
    sender = _folded(said.sender or "")
    return Page(said.begins, number, of, sender if sender and sender in _folded(text) else "", said.label)


def printed(text: str) -> tuple[int | None, int | None]:
    """Give the number that is printed on a page, and of how many, as far as it says so."""
    for line in _edges(text):
        if found := NUMBERED.search(line):
            number, of = found[1] or found[3] or found[5], found[2] or found[4]
            if of is None or int(number) <= int(of):
                return int(number), int(of) if of else None
    return None, None


def runs_on(first: str, text: str) -> bool | None:
    """Say whether a page has but the running head of a document's first page; None without such a head.

    The head is what stands at the top of both, with a date. A page that goes on lacks what follows it on the
    first one, an addressee or a title; where that stands there in other words (another number) it is another
    document's own, and no head runs.
    """
    top, here = _top(first), _top(text)
    head = [line for line in top if line in here]
    own, others = (_openings(line for line in lines if line not in head) for lines in (top, here))
    if not holds_day("\n".join(head)) or own & others:
        return None
    return bool(own)


def _top(text: str) -> Sequence[str]:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return [line for line in lines[:TOP_LINES] if len(line) < SHORT_CHARS]


def _openings(lines: Iterator[str]) -> set[str]:
    """Give the first words of lines."""
    return {found[0].casefold() for line in lines if (found := WORD.search(line))}


def _edges(text: str) -> Iterator[str]:
    """Give the last lines of a page, then its first."""
    lines = [line for line in text.split("\n") if line.strip()]
    yield from lines[-EDGE_LINES:][::-1]
    yield from lines[:EDGE_LINES]


def _folded(text: str) -> str:
    return BLANKS.sub(" ", text).strip().casefold()
