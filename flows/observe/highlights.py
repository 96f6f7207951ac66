"""The documents of a run that its report names: the slowest, the dearest, and those that are not done."""

import heapq

from docmill.schemas.outcome import NOT_DONE, Outcome

MOST = 5
MOST_LISTED = 5000

# What a document made: as large as it is.
OF_DOCUMENTS = ("summary", "label", "record", "evidence", "unread", "missing", "broken_rules", "error")


class Highlights:
    """Keeps what is worth a line of outcomes as they come.

    Of those that are not done the first MOST_LISTED are kept; what was said of a document, or in it, is
    let go.
    """

    def __init__(self) -> None:
        self.not_done: list[Outcome] = []
        self._taken = 0
        self._bad = 0
        self._slowest: list[tuple[float, int, Outcome]] = []
        self._dearest: list[tuple[float, int, Outcome]] = []

    def take(self, outcome: Outcome) -> None:
        """Take an outcome in."""
        self._taken += 1
        said = dict.fromkeys(OF_DOCUMENTS)
        small = outcome.model_copy(update={**said, "steps": {}, "typed": {}})
        for heap, value in ((self._slowest, outcome.seconds), (self._dearest, outcome.cost_usd or 0.0)):
            if value > 0:
                keep = heapq.heappush if len(heap) < MOST else heapq.heappushpop
                keep(heap, (value, self._taken, small))
        if outcome.status in NOT_DONE:
            self._bad += 1
            if len(self.not_done) < MOST_LISTED:
                self.not_done.append(small)

    def slowest(self) -> list[Outcome]:
        """List the documents that took longest."""
        return [outcome for _, _, outcome in sorted(self._slowest, reverse=True)]

    def dearest(self) -> list[Outcome]:
        """List the documents that cost most."""
        return [outcome for _, _, outcome in sorted(self._dearest, reverse=True)]

    def unlisted(self) -> int:
        """Count the documents that are not done and not kept."""
        return self._bad - len(self.not_done)
