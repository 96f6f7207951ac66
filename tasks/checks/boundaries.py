"""Where the documents of a file begin, page by page: by number, sender, label, head, and what a model says.

Where two of these disagree, or a document's numbers do not add up, it is in doubt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from docmill.schemas.document import BOUNDARY, Unread
from docmill.tasks.checks.page_signs import Page, Said, runs_on, seen

Range = tuple[int, int]  # first and last page, from 1
PAST_THE_LAST = (
    "it is behind the last page by number, and begins a document, although it looks like a later page"
)
ALL_AGAIN = "it begins a document, although all that is at the top of the first page before it is there again"
OTHER_SENDER = "it goes on by its number, although its sender is another one"
NO_NUMBER = "it goes on without a number, although pages before it have one"
NO_SENDER = "it goes on, although it lacks the sender that all pages before it have"
TOTALS = "the printed numbers say {} pages, and it has {}"


class Stretch(NamedTuple):
    """A document's first and last page, from 1, and what of that is in doubt."""

    first: int
    last: int
    doubts: tuple[Unread, ...] = ()


class Cut(NamedTuple):
    """Whether a document begins on a page, and why that is in doubt."""

    begins: bool
    doubt: str | None = None


@dataclass
class _Begun:
    """A document whose pages are being found: its `first` page with its text, and what its pages show.

    `before` is its last page, with what those before it show where that one does not; `pages` are those
    with a text, `sent` those of them with a sender, `numbered` those with a number.
    """

    first: int
    text: str
    before: Page
    pages: int = 1
    sent: int = 0
    numbered: int = 0
    doubts: list[Unread] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sent, self.numbered = bool(self.before.sender), self.before.number is not None

    def cut(self, page: Page, text: str) -> Cut:
        """Say whether another begins on a page: numbering decides, then sender, then label, then a head."""
        before = self.before
        if (by_number := _by_number(before, page)) is not None:
            return by_number
        if page.sender and before.sender and page.sender != before.sender:
            return Cut(begins=True)
        if page.label is not None and before.label is not None and page.label != before.label:
            return Cut(begins=True)
        if page.number is not None:
            return Cut(begins=False)
        if before.number is not None and before.number == before.of:
            return Cut(True, None if page.begins else PAST_THE_LAST)
        return self._unnumbered(page, text)

    def take(self, page: Page) -> None:
        """Take a page in."""
        before = self.before
        self.before = page._replace(
            sender=page.sender or before.sender, label=page.label or before.label, of=page.of or before.of
        )
        self.pages += 1
        self.sent += bool(page.sender)
        self.numbered += page.number is not None

    def doubt(self, number: int, cut: Cut) -> None:
        """Note that a boundary at a page is in doubt; of those within a document each reason once."""
        if cut.doubt is not None and (cut.begins or cut.doubt not in {each.why for each in self.doubts}):
            self.doubts.append(Unread(part=f"{BOUNDARY} at page {number}", why=cut.doubt))

    def ended(self, last: int) -> Stretch:
        """Give it with its last page: that its numbers add up, or do not, is known by now."""
        of, doubts = self.before.of, self.doubts
        if of is not None and self.pages <= of <= last - self.first + 1:
            doubts = [each for each in doubts if each.why != NO_NUMBER]
        elif of is not None:
            doubts = [*doubts, Unread(part=f"{BOUNDARY} by numbers", why=TOTALS.format(of, self.pages))]
        return Stretch(self.first, last, tuple(doubts))

    def _unnumbered(self, page: Page, text: str) -> Cut:
        """Say the same of a page without a number, by its head and what the model says."""
        if page.begins:
            goes_on = runs_on(self.text, text)
            return Cut(not goes_on, ALL_AGAIN if goes_on is False else None)
        if self.numbered:
            return Cut(False, NO_NUMBER)
        lacks = not page.sender and self.sent == self.pages > 1
        return Cut(False, NO_SENDER if lacks else None)


def divided(texts: Sequence[str], said: Sequence[Said | None]) -> list[Stretch]:
    """Divide pages into documents, in their order; a page without text, of which nothing is said, goes on."""
    begun: list[_Begun] = []
    for number, (text, of_page) in enumerate(zip(texts, said, strict=True), start=1):
        if of_page is None:
            continue
        page = seen(text, of_page)
        cut = begun[-1].cut(page, text) if begun else Cut(begins=True)
        if cut.begins:
            begun.append(_Begun(number if begun else 1, text, page))
        else:
            begun[-1].take(page)
        for each in begun[-2:] if cut.begins else begun[-1:]:
            each.doubt(number, cut)
    last = len(texts)
    if not begun:
        return [Stretch(1, last)] if texts else []
    beyond = [*(each.first for each in begun[1:]), last + 1]
    return [each.ended(next_ - 1) for each, next_ in zip(begun, beyond, strict=True)]


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


def _by_number(before: Page, page: Page) -> Cut | None:
    """Say it by the printed numbers; None where these do not tell."""
    if page.number == 1:
        return Cut(begins=True)
    if page.number is None or before.number is None:
        return None
    if page.of is not None and before.of is not None and page.of != before.of:
        return Cut(begins=True)
    if page.number == before.number + 1 or (page.of == before.of is not None and page.number > before.number):
        is_other = page.sender and before.sender and page.sender != before.sender
        return Cut(False, OTHER_SENDER if is_other else None)
    return None
