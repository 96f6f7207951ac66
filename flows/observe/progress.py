"""What a run has told of its documents so far, as much as its report and its progress need."""

import heapq
from collections import Counter

from docmill.schemas.outcome import NOT_DONE, STATUSES, Outcome, Status

MOST = 5
MOST_LISTED = 5000


class Tidings:
    """Gathers outcomes: counts, the slowest and dearest, and those that are not done.

    `expected` is how many documents the source has, once they are counted, and `limit` how many the
    run takes up at most; `whole` says that nothing of it is left. Of those that are not done the first
    MOST_LISTED are kept.
    """

    def __init__(self, limit: int | None) -> None:
        self.expected: int | None = None
        self.unchanged = 0
        self.whole = False
        self.not_done: list[Outcome] = []
        self._limit = limit
        self._counts: Counter[Status] = Counter()
        self._slowest: list[tuple[float, int, Outcome]] = []
        self._dearest: list[tuple[float, int, Outcome]] = []

    def take(self, outcome: Outcome) -> None:
        """Take an outcome in; what was said of the document, or in it, is let go."""
        self._counts[outcome.status] += 1
        said = dict.fromkeys(("summary", "label", "record", "evidence", "error"))
        small = outcome.model_copy(update={**said, "steps": {}, "typed": {}})
        number = self._counts.total()
        for heap, value in ((self._slowest, outcome.seconds), (self._dearest, outcome.cost_usd or 0.0)):
            if value > 0:
                keep = heapq.heappush if len(heap) < MOST else heapq.heappushpop
                keep(heap, (value, number, small))
        if outcome.status in NOT_DONE and len(self.not_done) < MOST_LISTED:
            self.not_done.append(small)

    def slowest(self) -> list[Outcome]:
        """List the documents that took longest."""
        return [outcome for _, _, outcome in sorted(self._slowest, reverse=True)]

    def dearest(self) -> list[Outcome]:
        """List the documents that cost most."""
        return [outcome for _, _, outcome in sorted(self._dearest, reverse=True)]

    def unlisted(self) -> int:
        """Count the documents that are not done and not kept."""
        bad = sum(count for status, count in self._counts.items() if status in NOT_DONE)
        return bad - len(self.not_done)

    def percent(self) -> float:
        """Say how much of the run is done, 0 to 100; 0 where the source is not counted yet."""
        if self.whole:
            return 100.0
        taken_up = self._counts.total()
        if self._limit is not None:
            return min(100.0, 100 * taken_up / self._limit)
        return min(100.0, 100 * (self.unchanged + taken_up) / self.expected) if self.expected else 0.0

    def told(self) -> str:
        """Write the counts so far, such as `7 of 16: 6 done, 1 failed`."""
        counts = {**self._counts, "unchanged": self.unchanged}
        listed = ", ".join(f"{counts[status]:,} {status}" for status in STATUSES if counts.get(status))
        whole = f" of {self.expected:,}" if self.expected and self._limit is None else ""
        number = f"{sum(counts.values()):,}{whole}"
        return f"{number}: {listed}" if listed else number
