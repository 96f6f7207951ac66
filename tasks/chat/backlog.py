"""The backlog of a run: its task runs that have ended and that Prefect's server has not recorded yet."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from docmill.tasks.chat.waits import Waits

MOST = 1_000
FIRST = 300
LEAST = 100
EACH = 50  # one task run of so many is looked for
PROMPT_S = 3.0
LATE_S = 6.0


@dataclass(frozen=True)
class Sample:
    """A task run that stands for all that ended before it; `count` of them, at `ended_at`."""

    task_run_id: UUID
    count: int
    ended_at: float


class Backlog:
    """Lets a call begin while the backlog is below its bound, which follows how soon the server records.

    The server takes events from a socket as fast as they come: above what it can record it drops them, and
    answers nobody meanwhile. Until it is `bound` no call waits.
    """

    def __init__(self, waits: Waits, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = FIRST
        self._waits = waits
        self._clock = clock
        self._ended = 0
        self._recorded = 0
        self._samples: deque[Sample] = deque()
        self._sampled = asyncio.Event()
        self._moved = asyncio.Event()
        self._bounded = False
        self._away = False

    def bound(self) -> None:
        """Let calls wait from now on, as somebody looks for the samples."""
        self._bounded = True

    def unbound(self) -> None:
        """Let all calls through from now on."""
        self._bounded = False
        self._moved.set()

    async def room(self) -> None:
        """Wait until a call may begin."""
        if not self._is_full():
            return
        with self._waits.during("recording"):
            while self._is_full():
                self._moved.clear()
                await self._moved.wait()

    def ended(self, task_run_id: UUID | None) -> None:
        """Count a task run that has ended."""
        self._ended += 1
        if self._ended % EACH == 0 and task_run_id is not None:
            self._samples.append(Sample(task_run_id, self._ended, self._clock()))
            self._sampled.set()

    async def samples(self) -> list[Sample]:
        """Give the samples that are neither recorded nor lost, the oldest first, once there is one."""
        while not self._samples:
            self._sampled.clear()
            await self._sampled.wait()
        return list(self._samples)

    def age(self, sample: Sample) -> float:
        """Tell how many seconds ago a sample ended."""
        return self._clock() - sample.ended_at

    def recorded(self, sample: Sample) -> None:
        """Note that the server has a sample and those before; the bound grows where that was prompt."""
        took = self.age(sample)
        if took < PROMPT_S:
            self.most = min(MOST, self.most + EACH)
        elif took > LATE_S:
            self.most = max(LEAST, self.most // 2)
        self._away = False
        self._pass(sample)

    def lost(self, sample: Sample) -> None:
        """Note that the server will not have a sample: it holds nothing up until it has another."""
        self._away = True
        self._pass(sample)

    def _pass(self, sample: Sample) -> None:
        while self._samples and self._samples[0].count <= sample.count:
            self._samples.popleft()
        self._recorded = sample.count
        self._moved.set()

    def _is_full(self) -> bool:
        return self._bounded and not self._away and self._ended - self._recorded >= self.most
