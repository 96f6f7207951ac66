"""A long text in parts of a bounded size, whose places depend on what stands there and not on a count."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from docmill.tasks.checks.parts.anchors import Anchor, Size, anchors

SMALLEST = 4  # of the size of a part: nearer to an end of what is divided it is not cut
OVERLAP, LONGEST_OVERLAP = 16, 1_200  # a part begins with so much of the one before: a share, and bytes


@dataclass(frozen=True)
class Part:
    """A part of a text: `text[start:end]`; what stands before `own` ends the part before, too."""

    start: int
    own: int
    end: int


def parts(text: str, most: int, size: Size, page_starts: Sequence[int] = (), *, overlap: bool) -> list[Part]:
    """Divide a text into parts of a size of `most` at most; none of them says nothing.

    A text is cut where the best place in it is, and its halves alike until they are small enough: so an
    edit moves no cut that is farther away than the size of a part.
    """
    before = min(most // OVERLAP, LONGEST_OVERLAP) if overlap else 0
    cuts = sorted(_cuts(text, most - before, size, anchors(text, page_starts, size)))
    spans = [each for each in pairwise([0, *cuts, len(text)]) if text[slice(*each)].strip()]
    found: list[Part] = []
    for start, end in spans:
        begins = _beginning(text, found[-1].own, start, before) if found and before else start
        found.append(Part(begins, start, end))
    return found


def _cuts(text: str, most: int, size: Size, places: Sequence[Anchor]) -> Iterator[int]:
    """Give where a text is cut so that no stretch is larger than `most`."""
    ats, befores = [each.at for each in places], [each.before for each in places]
    waiting = [(0, 0, len(text), size(text))]  # each from a place to another: its offsets, and sizes before
    while waiting:
        start, before, end, until = waiting.pop()
        if until - before <= most:
            continue
        inner = places[bisect_right(ats, start) : bisect_left(ats, end)]
        if not inner:
            yield from _by_sense(text, start, end, most, size)
            continue
        low, high = before + most // SMALLEST, until - most // SMALLEST
        first, last = bisect_left(befores, low), bisect_right(befores, high)
        cut = _best(places[first:last], start, end) or min(
            inner, key=lambda each: abs(2 * each.before - before - until)
        )
        yield cut.at
        waiting += [(start, before, cut.at, cut.before), (cut.at, cut.before, end, until)]


def _best(among: Sequence[Anchor], start: int, end: int) -> Anchor | None:
    """Choose the best place; of equal ones, as between pages that are all alike, that in the middle."""
    inner = [each for each in among if start < each.at < end]
    if not inner:
        return None
    rank = max(each.rank for each in inner)
    return min((each for each in inner if each.rank == rank), key=lambda each: abs(2 * each.at - start - end))


def _by_sense(text: str, start: int, end: int, most: int, size: Size) -> Iterator[int]:
    """Cut what has no line: at the ends of sentences, else of words, else anywhere."""
    from semchunk.semchunk import chunk  # with it come multiprocessing and tqdm: for these few texts alone

    # Not memoized: semchunk would keep every text for as long as the process lives.
    found = chunk(text[start:end], most, size, memoize=False, offsets=True)
    _, offsets = cast("tuple[list[str], list[tuple[int, int]]]", found)
    yield from (start + begins for begins, _ in offsets[1:])


def _beginning(text: str, first: int, own: int, before: int) -> int:
    """Go back from where a part's own text begins, to the beginning of a line or else of a word."""
    tail = text[max(first, own - before) : own].encode(errors="surrogatepass")[-before:]
    begins = own - len(tail.decode(errors="ignore"))
    if begins <= first:
        return first
    line = text.find("\n", begins - 1, own - 1)
    word = text.find(" ", begins - 1, own - 1)
    return line + 1 if line >= 0 else word + 1 if word >= 0 else own
