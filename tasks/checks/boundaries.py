"""Where the documents of a file begin, page by page: by numbering, sender, label, and what a model says."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

Range = tuple[int, int]  # first and last page, from 1
EDGE_LINES = 3  # a page's number stands in its first or last lines
NUMBERED = re.compile(
    r"\b(?:page|seite|blatt|pagina|página|pág\.?|p\.)\s*(\d{1,4})(?:\s*(?:of|von|de|di|sur|/)\s*(\d{1,4}))?\b"
    r"|^\W*(\d{1,4})\s*(?:/|of|von)\s*(\d{1,4})\W*$"
    r"|^\s*[-–—]\s*(\d{1,4})\s*[-–—]\s*$",
    re.IGNORECASE,
)
BLANKS = re.compile(r"\W+")


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


def ranges(texts: Sequence[str], said: Sequence[Said | None]) -> list[Range]:
    """Divide pages into documents, in their order; a page without text, of which nothing is said, goes on."""
    starts: list[int] = []
    before: Page | None = None
    for number, (text, of_page) in enumerate(zip(texts, said, strict=True), start=1):
        if of_page is None:
            continue
        page = seen(text, of_page)
        if before is None or begins(before, page):
            starts.append(number if starts else 1)
            before = page
        else:
            before = page._replace(
                sender=page.sender or before.sender, label=page.label or before.label, of=page.of or before.of
            )
    last = len(texts)
    beyond = [*starts[1:], last + 1]
    return [(first, next_ - 1) for first, next_ in zip(starts or [1], beyond, strict=True)] if texts else []


def seen(text: str, said: Said) -> Page:
    """Hold what is said of a page against its text: a number or sender that does not stand there is none."""
    number, of = printed(text)
    if number is None and said.number is not None:
        edges = " ".join(_edges(text))
        number = said.number if re.search(rf"(?<!\d){said.number}(?!\d)", edges) else None
    sender = _folded(said.sender or "")
    return Page(said.begins, number, of, sender if sender and sender in _folded(text) else "", said.label)


def begins(before: Page, page: Page) -> bool:
    """Say whether a document begins on a page: its numbering decides, then its sender, then its label."""
    if page.number == 1:
        return True
    if page.number is not None and before.number is not None:
        if page.of is not None and before.of is not None and page.of != before.of:
            return True
        if page.number == before.number + 1 or (
            page.of == before.of is not None and page.number > before.number
        ):
            return False
    if page.sender and before.sender and page.sender != before.sender:
        return True
    if page.label is not None and before.label is not None and page.label != before.label:
        return True
    return page.begins and page.number is None


def printed(text: str) -> tuple[int | None, int | None]:
    """Give the number that is printed on a page, and of how many, as far as it says so."""
    for line in _edges(text):
        if found := NUMBERED.search(line):
            number, of = found[1] or found[3] or found[5], found[2] or found[4]
            if of is None or int(number) <= int(of):
                return int(number), int(of) if of else None
    return None, None


def unlike_whole(found: Sequence[Range], pages: int) -> str | None:
    """Say why documents do not hold each page exactly once; None where they do."""
    held = [number for first, last in found for number in range(first, last + 1)]
    if held == list(range(1, pages + 1)):
        return None
    missing = sorted(set(range(1, pages + 1)) - set(held))
    twice = sorted({number for number in held if held.count(number) > 1})
    told = [("in none", missing), ("in two", twice)]
    parts = [f"{where} {', '.join(map(str, numbers[:5]))}" for where, numbers in told if numbers]
    return f"its {pages:,} pages and its documents do not add up ({'; '.join(parts) or 'in another order'})"


def _edges(text: str) -> Iterator[str]:
    """Give the last lines of a page, then its first."""
    lines = [line for line in text.split("\n") if line.strip()]
    yield from lines[-EDGE_LINES:][::-1]
    yield from lines[:EDGE_LINES]


def _folded(text: str) -> str:
    return BLANKS.sub(" ", text).strip().casefold()
