"""What a run waits for: each moment of it is counted for one cause, the one that stands in front."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from docmill.schemas.timeline import Cause

# Whoever waits for the minute, the budget or the end of a pause holds its place meanwhile, for which
# others wait: so concurrency comes last. `paused` and `reduced` are the server's: all calls of a lane wait,
# or fewer are in flight than before it refused some.
Reason = Literal["paused", "budget", "requests", "tokens", "cpu", "recording", "reduced", "concurrency"]
CAUSES: dict[Reason, Cause] = {
    "paused": "server",
    "budget": "budget",
    "requests": "requests",
    "tokens": "tokens",
    "cpu": "cpu",
    "recording": "prefect",
    "reduced": "server",
    "concurrency": "concurrency",
}


class Waits:
    """Counts seconds by reason; costs nothing where nobody waits."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[Reason, int] = dict.fromkeys(CAUSES, 0)
        self._seconds: dict[Reason, float] = dict.fromkeys(CAUSES, 0.0)
        self._by: Reason | None = None
        self._since = 0.0

    def add(self, reason: Reason, count: int) -> None:
        """Note that so many more wait for a reason, or fewer."""
        self._count()
        self._waiting[reason] += count
        self._by = next((each for each, waiting in self._waiting.items() if waiting), None)

    def mark(self, reason: Reason, *, on: bool) -> None:
        """Note whether a reason holds at all."""
        if on != bool(self._waiting[reason]):
            self.add(reason, 1 if on else -1)

    @contextmanager
    def during(self, reason: Reason) -> Iterator[None]:
        """Wait for a reason while the block runs."""
        self.add(reason, 1)
        try:
            yield
        finally:
            self.add(reason, -1)

    def seconds(self) -> Mapping[Cause, float]:
        """Tell how long each cause has stood in front; any thread may ask."""
        told: dict[Cause, float] = dict.fromkeys(CAUSES.values(), 0.0)
        for reason, seconds in self._seconds.items():
            told[CAUSES[reason]] += seconds
        if by := self._by:
            told[CAUSES[by]] += self._clock() - self._since
        return told

    def _count(self) -> None:
        now = self._clock()
        if self._by:
            self._seconds[self._by] += now - self._since
        self._since = now


class Queue:
    """Those that wait at one place, for a reason that may change while they do."""

    def __init__(self, waits: Waits, reason: Reason) -> None:
        self._waits = waits
        self._reason: Reason = reason
        self._length = 0

    @contextmanager
    def joined(self) -> Iterator[None]:
        """Wait here while the block runs."""
        self._lengthen(1)
        try:
            yield
        finally:
            self._lengthen(-1)

    def held_by(self, reason: Reason) -> None:
        """Change the reason of all that wait here."""
        if reason != self._reason:
            length = self._length
            self._lengthen(-length)
            self._reason = reason
            self._lengthen(length)

    def _lengthen(self, count: int) -> None:
        self._length += count
        if count:
            self._waits.add(self._reason, count)
