"""A page that was read by its picture, and where quotes of what was recognized stand on it."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.ocr import engine, image, lines
from docmill.tasks.sources.parsing.pdf import pdf, scanned
from docmill.tasks.sources.parsing.quotes import Box, Drawn, Letters, Quote
from docmill.tasks.sources.parsing.reasons import Reason

Place = tuple[int, int]  # a letter: the number of its words, and its place in them


def marked(content: bytes, kind: Literal["pdf", "image"], number: int, quotes: Sequence[Quote]) -> Drawn:
    """Draw a page, from 0, as it was read: how many there are, a JPEG, and the boxes of quotes.

    Words are recognized as lines: where one begins within them is reckoned by its letters.
    """
    pages, picture = _picture(content, kind, number)
    picture, boxes = engine.upright(picture)
    high, wide = picture.shape[:2]
    words = lines.in_order(boxes)
    letters = Letters(_letters(words))
    found = [
        [
            (left / wide, top / high, right / wide, bottom / high)
            for left, top, right, bottom in _boxes(words, letters.find(*quote))
        ]
        for quote in quotes
    ]
    return Drawn(pages, image.jpeg(picture), found)


def _picture(content: bytes, kind: Literal["pdf", "image"], number: int) -> tuple[int, engine.Picture]:
    if kind == "image":
        return image.count(content), image.frame(content, number)
    with pdf.opened(content) as document:
        if not 0 <= number < len(document):
            raise Unreadable(Reason.DAMAGED)
        return len(document), scanned.drawn(pdf.flat(document, number, document[number]))


def _letters(words: Sequence[lines.Box]) -> Iterator[tuple[str, Place]]:
    for number, box in enumerate(words):
        for at, char in enumerate(box.text):
            yield char, (number, at)


def _boxes(words: Sequence[lines.Box], places: Sequence[Place]) -> Iterator[Box]:
    for number, of_words in groupby(places, key=lambda place: place[0]):
        ats = [at for _, at in of_words]
        box = words[number]
        corners = box.part(min(ats) / len(box.text), (max(ats) + 1) / len(box.text))
        across, down = [x for x, _ in corners], [y for _, y in corners]
        yield min(across), min(down), max(across), max(down)
