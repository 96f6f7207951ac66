"""Quotes as they are looked for on a page: however it breaks lines, spaces words and joins letters."""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Generic, Literal, NamedTuple, TypeVar

Place = TypeVar("Place")
Quote = tuple[str, int]  # its letters, and how many of the page stand before it
Box = tuple[float, float, float, float]  # left, top, right, bottom, in shares of the page
HYPHENS = "\x02\xad\u2010\u2011\ufffe"  # PDFium's own before a line end, and those that are no other letter
MOST_PLACES = 10_000  # of one quote


class Drawn(NamedTuple):
    """A page of so many as a picture, a PNG or JPEG, and the boxes of each quote."""

    pages: int
    image: bytes
    boxes: Sequence[Sequence[Box]]


class Wanted(NamedTuple):
    """Which page, from 0, and which quotes; `read` says that its text was recognized on its picture."""

    number: int
    quotes: Sequence[Quote]
    kind: Literal["pdf", "image"]
    read: bool


def asking(wanted: Wanted, content: bytes) -> bytes:
    """Write what is wanted, and the document."""
    return json.dumps(wanted).encode() + b"\n" + content


@lru_cache(maxsize=10_000)
def plain(char: str) -> str:
    """Give a character without accents joined to it, a ligature as its letters; of a blank nothing."""
    if char in HYPHENS:
        return "-"
    return "".join(each for each in unicodedata.normalize("NFKD", char) if not each.isspace())


def plain_text(text: str) -> str:
    """Give a text's letters without blanks."""
    return "".join(map(plain, text))


def before_each(text: str) -> list[int]:
    """Say of each place in a text, its end too, how many letters stand before it."""
    return [0, *accumulate(len(plain(char)) for char in text)]


class Letters(Generic[Place]):
    """The letters of a page, each with its place there."""

    def __init__(self, found: Iterable[tuple[str, Place]]) -> None:
        taken_apart = [(letter, place) for char, place in found for letter in plain(char)]
        self._text = "".join(letter for letter, _ in taken_apart)
        self._places = [place for _, place in taken_apart]

    def find(self, quote: str, before: int) -> list[Place]:
        """Find a quote's letters: of several the ones that have about so many before them."""
        best = at = self._text.find(quote) if quote else -1
        for _ in range(MOST_PLACES):
            if at < 0 or at > before + abs(best - before):
                break
            best = min(best, at, key=lambda each: abs(each - before))
            at = self._text.find(quote, at + 1)
        return self._places[best : best + len(quote)] if best >= 0 else []
