"""A text in runs, ready to be shown: where evidence begins and ends is decided here, in characters.

So the page counts no characters: those of JavaScript are UTF-16 units.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

MAX_CHARS = 200_000
# Text, or text with the numbers of the fields it is evidence of, or {"page": N}, or {"gap": characters}.
TextRun = str | list[str | int] | dict[str, int]


class Span(NamedTuple):
    """Evidence of a field, by its number: characters of the text, `end` exclusive."""

    start: int
    end: int
    field: int


def runs(
    text: str, spans: Sequence[Span], page_starts: Sequence[int] = (), first_page: int = 1
) -> Iterator[TextRun]:
    """Cut a text where evidence and pages begin and end; of a long one, what is around the evidence."""
    pages = {start: number for number, start in enumerate(page_starts, first_page)}
    shown_to = 0
    for start, end in _pieces(len(text), spans):
        if start > shown_to:
            yield {"gap": start - shown_to}
        yield from _piece(text, start, end, spans, pages)
        shown_to = end
    if shown_to < len(text):
        yield {"gap": len(text) - shown_to}


def _pieces(length: int, spans: Sequence[Span]) -> list[tuple[int, int]]:
    """Choose what is shown: the beginning, and as much around each span as MAX_CHARS leaves it."""
    if length <= MAX_CHARS:
        return [(0, length)]
    around = MAX_CHARS // (2 * len(spans) + 1)
    wanted = sorted([(0, around), *((max(span.start - around, 0), span.end + around) for span in spans)])
    pieces = [wanted[0]]
    for start, end in wanted[1:]:
        last_start, last_end = pieces[-1]
        if start <= last_end:
            pieces[-1] = last_start, max(last_end, end)
        else:
            pieces.append((start, end))
    return [(start, min(end, length)) for start, end in pieces]


def _piece(
    text: str, start: int, end: int, spans: Sequence[Span], pages: dict[int, int]
) -> Iterator[TextRun]:
    within = sorted(span for span in spans if start <= span.start < span.end <= end)
    edges = {start, end, *(page for page in pages if start <= page < end)}
    edges.update(edge for span in within for edge in span[:2])
    begun, open_ = 0, list[Span]()
    for left, right in pairwise(sorted(edges)):
        if left in pages:
            yield {"page": pages[left]}
        open_ = [span for span in open_ if right <= span.end]
        while begun < len(within) and within[begun].start <= left:
            open_.append(within[begun])
            begun += 1
        fields = sorted({span.field for span in open_})
        yield [text[left:right], *fields] if fields else text[left:right]
