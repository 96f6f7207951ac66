"""The lane: the shared limiter of one endpoint and model.

A rate limit is a wait of the whole lane, never a lost document: calls queue here while it pauses,
and afterwards half as many may be in flight. A server that fails again and again is left alone for
a while, and then asked by one call alone.
"""

import asyncio
import math
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from docmill.schemas.errors import Deferred
from docmill.tasks.chat.waits import Queue, Reason, Waits

LONGEST_PAUSE_S = 30.0
LONGEST_RETRY_AFTER_S = 120.0
LONGEST_ROW_S = 900.0
TIMER_SLACK_S = 0.001  # asyncio's timers may fire that much early
MORE_EACH, MOST_TIMES = 0.1, 2.0  # a Retry-After is waited for so much longer with each pause in a row
UNKNOWN = 64  # calls in flight at most until the server has answered one
FAILURES = 10  # in a row: then the breaker opens
BREAK_S = 30.0
PROBES = 3


def retry_scale() -> float:
    """Read what multiplies every delay; DOCMILL_RETRY_SCALE is 1 where unset."""
    return float(os.environ.get("DOCMILL_RETRY_SCALE") or 1)


class Lane:
    """Lets at most `concurrency` calls through at a time, fewer after a rate limit.

    `room` is shared by the lanes of a session: as many calls as it has places are in flight in all of them.
    """

    def __init__(
        self, concurrency: int, room: asyncio.Semaphore | None = None, waits: Waits | None = None
    ) -> None:
        self.ceiling = concurrency
        self.size = min(concurrency, UNKNOWN)
        self.in_flight = 0
        self._room = room or asyncio.Semaphore(concurrency)
        self._queue = Queue(waits or Waits(), "concurrency")
        self.closed: str | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._pause_began = self._pause_ends = -math.inf  # on the loop's monotonic clock
        self._pause_s = 0.0  # of the current pause, before the scale
        self._pauses = 0  # in a row
        self._untold = 0  # those of them for which the server did not say how long
        self._row_s = 0.0  # their sum, before the scale
        self._successes = 0
        self._failures = 0  # in a row
        self._breaks = 0  # in a row; each ends with a probe, which is one call alone
        self._usual = concurrency  # the size when there is no break

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[float]:
        """Wait for a place and hold it; gives the loop's time at which the call may be sent.

        Raises Deferred where the lane is closed, or closes while waiting.
        """
        await self._enter()
        try:
            yield asyncio.get_running_loop().time()
        finally:
            self._room.release()
            self._leave()

    def sent(self) -> float | None:
        """Give the loop's time for a call that goes now; None where the lane has paused meanwhile.

        Raises Deferred where it has closed.
        """
        if self.closed:
            raise Deferred(self.closed)
        return None if self._is_pausing() else asyncio.get_running_loop().time()

    def refused(self, sent: float, retry_after_s: float | None) -> bool:
        """Pause after a 429 or 529 to the call sent at that time of the loop.

        Refusals of calls that were sent before the pause began count together as one: one pause,
        as long as the longest Retry-After, and one halving. Says whether it begins a pause.
        """
        begins = sent > self._pause_began
        if begins:
            self._pause(retry_after_s)
        else:
            self._lengthen(retry_after_s)
        if (retry_after_s or 0) > LONGEST_RETRY_AFTER_S:
            self.close(
                f"the server asks to wait {retry_after_s:.0f} s: more than {LONGEST_RETRY_AFTER_S:.0f}"
            )
        elif self._row_s > LONGEST_ROW_S:
            self.close(f"the rate limit went on for more than {LONGEST_ROW_S:.0f} s")
        return begins

    def failed(self, sent: float) -> None:
        """Count a failure of the server's, or of the way to it, for the call sent at that time of the loop.

        After FAILURES in a row nothing is sent for BREAK_S, then one probe; each that fails doubles
        the break, and the last of PROBES closes the lane.
        """
        if sent <= self._pause_began:
            return
        self._failures += 1
        if not self._breaks and self._failures < FAILURES:
            return
        if self._breaks == PROBES:
            self.close(f"the server went on failing: {FAILURES} calls in a row, then {PROBES} probes")
            return
        self._begin_pause(BREAK_S * 2**self._breaks)
        self._breaks += 1
        self._usual, self.size = max(self._usual, self.size), 1

    def answered(self, sent: float) -> None:
        """Count an answer that is no failure of the server's: it is there."""
        if sent <= self._pause_began:
            return
        self._failures = self._breaks = 0
        if self._usual > self.size:
            self.size = self._usual
            self._admit()
        self._usual = 0

    def succeeded(self, sent: float) -> None:
        """Count a success: one more call may be in flight after each full round of them."""
        if sent <= self._pause_began:
            return
        self.answered(sent)
        self._pauses, self._untold, self._row_s = 0, 0, 0.0
        self._successes += 1
        if self._successes >= self.size and self.size < self.ceiling:
            self.size += 1
            self._successes = 0
            self._admit()

    def close(self, reason: str) -> None:
        """Let no call through any more: those that wait and those that come are deferred."""
        self.closed = self.closed or reason
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(Deferred(self.closed))

    def is_open(self) -> bool:
        """Say whether a call may be sent now: the lane is neither closed nor pausing."""
        return not self.closed and not self._is_pausing()

    async def _enter(self) -> None:
        """Take a place in the lane, then one in the room, unless the lane has closed or paused meanwhile."""
        while True:
            await self._turn()
            try:
                with self._queue.joined() if self._room.locked() else nullcontext():
                    await self._room.acquire()
            except asyncio.CancelledError:
                self._leave()
                raise
            if self.is_open():
                return
            self._room.release()
            self.in_flight -= 1

    def _leave(self) -> None:
        self.in_flight -= 1
        self._admit()

    async def _turn(self) -> None:
        if self.closed:
            raise Deferred(self.closed)
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._admit()
        try:
            with nullcontext() if waiter.done() else self._queue.joined():
                await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and not waiter.exception():
                self._leave()
            raise

    def _is_pausing(self) -> bool:
        return asyncio.get_running_loop().time() + TIMER_SLACK_S < self._pause_ends

    def _admit(self) -> None:
        self._tell_why()
        if self._is_pausing():
            return
        while self._waiting and self.in_flight < self.size:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self.in_flight += 1
                waiter.set_result(None)

    def _tell_why(self) -> None:
        """Tell those that wait here what holds them."""
        is_reduced = self.size < min(self.ceiling, UNKNOWN)
        by_size: Reason = "reduced" if is_reduced else "concurrency"
        self._queue.held_by("paused" if self._is_pausing() else by_size)

    def _pause(self, retry_after_s: float | None) -> None:
        if retry_after_s is None:
            pause_s = min(LONGEST_PAUSE_S, 2.0**self._untold)
            self._untold += 1
        else:
            pause_s = retry_after_s * min(MOST_TIMES, 1 + MORE_EACH * self._pauses)
        self._pauses += 1
        self.size, self._usual = max(1, self.size // 2), 0
        self._begin_pause(0.0)
        self._lengthen(pause_s)

    def _begin_pause(self, pause_s: float) -> None:
        self._pause_began = asyncio.get_running_loop().time()
        self._pause_s, self._successes = pause_s, 0
        self._end_pause_in(pause_s)

    def _lengthen(self, to_s: float | None) -> None:
        if to_s is None or to_s <= self._pause_s:
            return
        self._row_s += to_s - self._pause_s
        self._pause_s = to_s
        self._end_pause_in(to_s)

    def _end_pause_in(self, pause_s: float) -> None:
        self._pause_ends = self._pause_began + pause_s * retry_scale()
        asyncio.get_running_loop().call_at(self._pause_ends, self._admit)
        self._tell_why()
