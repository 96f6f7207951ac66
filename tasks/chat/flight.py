"""Single flight: of two identical requests at the same moment one is sent, in one process or in two.

A lock of asyncio's keeps the tasks of this process apart; a lock of the cache keeps processes apart: one
byte of one file in its directory, or an advisory lock of its database. Both are free at kill -9.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from docmill.tasks.chat.kept import Cache

FIRST_POLL_S, LONGEST_POLL_S = 0.01, 0.25


class SingleFlight:
    """Prefect's lock manager for asyncio tasks of one event loop, across processes.

    `cache` says whose locks: it is asked at each use, as a session may move the cache. A lock whose
    holder's asyncio task has ended is freed, whatever way that task ended.
    """

    def __init__(self, cache: Callable[[], Cache]) -> None:
        self._cache = cache
        self._holders: dict[str, tuple[str, Cache]] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> "SingleFlight":
        return self  # Prefect copies policies; the locks are the same

    async def aacquire_lock(
        self,
        key: str,
        holder: str,
        acquire_timeout: float | None = None,  # noqa: ARG002  Prefect never gives one
        hold_timeout: float | None = None,  # noqa: ARG002
    ) -> bool:
        """Wait for the key's lock and hold it."""
        if self.is_lock_holder(key, holder):
            return True
        cache = self._cache()
        if key in self._holders:
            await self._turn(key)
        self._holders[key] = (holder, cache)
        try:
            await _lock(cache, key)
        except BaseException:
            self._hand_on(key)
            raise
        task = asyncio.current_task()
        assert task is not None  # Prefect's async engine runs in one
        task.add_done_callback(lambda _: self.release_lock(key, holder))
        return True

    def release_lock(self, key: str, holder: str) -> None:
        """Free the key's lock, or hand it to the next that waits."""
        if self.is_lock_holder(key, holder):
            self._holders[key][1].unlock(key)
            self._hand_on(key)

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Say whether this holder holds the key's lock."""
        return self._holders.get(key, ("", None))[0] == holder

    def is_locked(self, key: str) -> bool:
        """Say whether a task of this process holds the key's lock."""
        return key in self._holders

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until no task of this process holds the key's lock; False where that took too long."""
        try:
            async with asyncio.timeout(timeout):
                while self.is_locked(key):
                    await asyncio.sleep(FIRST_POLL_S)
        except TimeoutError:
            return False
        return True

    def acquire_lock(self, *_: Any, **__: Any) -> bool:
        """Refuse: the lock is for async tasks alone."""
        raise NotImplementedError("single flight is for async tasks")

    wait_for_lock = acquire_lock

    async def _turn(self, key: str) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._hand_on(key)
            raise

    def _hand_on(self, key: str) -> None:
        """Give the key to the next waiter; it is marked as held all the while, so that none slips in."""
        waiting = self._waiting.get(key, deque())
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                self._holders[key] = ("", self._holders[key][1])
                turn.set_result(None)
                return
        self._waiting.pop(key, None)
        self._holders.pop(key, None)


async def _lock(cache: Cache, key: str) -> None:
    delay = FIRST_POLL_S
    while not await cache.lock(key):
        await asyncio.sleep(delay)
        delay = min(delay * 2, LONGEST_POLL_S)
