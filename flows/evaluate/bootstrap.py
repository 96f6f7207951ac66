"""How far the difference of two shares may be chance: an interval by resampling the documents."""

from collections.abc import Sequence
from random import Random

SEED = 17  # the same figures have the same interval
RESAMPLES = 1000
FEWEST_RESAMPLES = 200
MOST_DRAWN = 1_000_000
COVERED = 0.95
Counts = tuple[int, int, int, int]  # of a document: right and all before, right and all after


def difference(documents: Sequence[Counts]) -> float | None:
    """Give the share after less the share before; None where one of them is unknown."""
    if not documents:
        return None
    right_before, before, right_after, after = map(sum, zip(*documents, strict=True))
    return right_after / after - right_before / before if before and after else None


def interval(documents: Sequence[Counts]) -> tuple[float, float] | None:
    """Give where the difference lies in 95 of 100 samples of as many documents; None where it is unknown.

    A document is drawn with what it was before and after, so that what is the same in both cancels out.
    """
    if difference(documents) is None:
        return None
    if all(each[:2] == each[2:] for each in documents):
        return 0.0, 0.0
    resamples = min(RESAMPLES, max(FEWEST_RESAMPLES, MOST_DRAWN // len(documents)))
    random = Random(SEED)  # noqa: S311 - a sample is no secret
    drawn = (difference(random.choices(documents, k=len(documents))) for _ in range(resamples))
    found = sorted(each for each in drawn if each is not None)
    if not found:
        return None
    tail = (1 - COVERED) / 2
    return found[int(tail * (len(found) - 1))], found[-1 - int(tail * (len(found) - 1))]
