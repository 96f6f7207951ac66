"""What a run has come to so far, added up once: for its row, the terminal and Prefect's UI."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from docmill.schemas.outcome import PASSED_OVER, Outcome, Status, Tally, listed
from docmill.schemas.timeline import Cause, Timeline, held_back


class RunProgress:
    """A run's counts and costs. `limit` is how many documents it takes up at most.

    `documents_in` is counted where a document is read, `counts` where its outcome is stored: the two are
    compared at the end. `expected` is how many documents the source has, once they are counted, and
    `whole` says that nothing of it is left.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.documents_in = 0
        self.counts: Counter[Status] = Counter()
        self.total = Tally()
        self.truncated = 0
        self.done_in_part = 0
        self.expected: int | None = None
        self.whole = False
        self.waited: Callable[[], Mapping[Cause, float]] = dict  # seconds by what was waited for
        self.timeline: Callable[[], Timeline] = Timeline  # of the run until now
        self._limit = limit

    def add_unchanged(self) -> None:
        """Count a document that need not be done again."""
        self._pass_over("unchanged")

    def add_quarantined(self) -> None:
        """Count a document that failed too often before."""
        self._pass_over("quarantined")

    def _pass_over(self, status: Status) -> None:
        self.documents_in += 1
        self.counts[status] += 1

    def add(self, outcome: Outcome) -> None:
        """Count an outcome that is stored."""
        self.counts[outcome.status] += 1
        self.truncated += outcome.truncated
        self.done_in_part += outcome.status == "done" and bool(outcome.unread)
        self.total += outcome.tally()

    def paid(self, booked: Tally) -> None:
        """Put what was booked in the place of what stored outcomes say; that knows of the cache alone."""
        self.total = booked + Tally(cached_calls=self.total.cached_calls)

    def now(self, counts: Mapping[Status, int], total: Tally) -> None:
        """Put what shards have come to in the place of what was counted; what was passed over stays."""
        passed: dict[Status, int] = {each: self.counts[each] for each in PASSED_OVER}
        self.counts = Counter({**counts, **passed})
        self.total = total

    def so_far(self) -> dict[str, Any]:
        """Give what the run's row says of it until now."""
        return {"documents_in": self.documents_in, "counts": dict(self.counts), **self.total.model_dump()}

    def taken_up(self) -> int:
        """Count the documents that were not passed over and have an outcome."""
        return self.counts.total() - sum(self.counts[status] for status in PASSED_OVER)

    def adds_up(self) -> bool:
        """Say whether every document that was read has an outcome."""
        return self.counts.total() == self.documents_in

    def in_all(self) -> int | None:
        """Say how many documents there will be; None where that is not known, or depends on the limit."""
        return self.expected if self._limit is None else None

    def percent(self) -> float:
        """Say how much of the run is done, 0 to 100; 0 where the source is not counted yet."""
        if self.whole:
            return 100.0
        if self._limit is not None:
            return min(100.0, 100 * self.taken_up() / self._limit)
        return min(100.0, 100 * self.counts.total() / self.expected) if self.expected else 0.0

    def held_back(self, elapsed_s: float) -> str:
        """Say which limit holds the run back, where one does for a good part of its time."""
        return held_back(self.waited(), elapsed_s)

    def counted(self) -> str:
        """Write the counts so far, such as `7 of 16: 6 done, 1 failed`."""
        whole = f" of {in_all:,}" if (in_all := self.in_all()) else ""
        counts = listed(self.counts)
        number = f"{self.counts.total():,}{whole}"
        return f"{number}: {counts}" if counts else number
