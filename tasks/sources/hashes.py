"""Hashes of objects that are listed together, taken at the same time: each costs a download."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from threading import BoundedSemaphore, Lock

AT_ONCE = 16
LARGE_BYTES = 1_000_000
LARGE_AT_ONCE = 3  # so that sixteen of the largest are not in memory
MOST_EXPECTED = 500
Hash = Callable[[], str | None]


class Hashes:
    """Asked for one hash, it begins on all that are expected; names stand for objects."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._large = BoundedSemaphore(LARGE_AT_ONCE)
        self._expected: dict[str, tuple[Hash, int]] = {}
        self._begun: dict[str, Future[str | None]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    def expect(self, name: str, compute: Hash, size: int) -> None:
        """Take in that a hash may be asked for soon; of many that are not, the first are forgotten."""
        with self._lock:
            self._expected[name] = compute, size
            if len(self._expected) > MOST_EXPECTED:
                del self._expected[next(iter(self._expected))]

    def forget(self, name: str) -> None:
        """Take in that it will not be asked for."""
        with self._lock:
            self._expected.pop(name, None)

    def of(self, name: str, compute: Hash) -> str | None:
        """Give a hash, which is computed here where it was not expected; None once this is closed."""
        with self._lock:
            if self._closed:
                return None
            self._pool = self._pool or ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hashes")
            for each, job in self._expected.items():
                self._begun[each] = self._pool.submit(self._computed, *job)
            self._expected.clear()
            begun = self._begun.pop(name, None)
        return begun.result() if begun else compute()

    def close(self) -> None:
        """End; what is under way is not waited for, the rest is dropped."""
        with self._lock:
            self._closed = True
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _computed(self, compute: Hash, size: int) -> str | None:
        with self._large if size > LARGE_BYTES else nullcontext():
            return compute()
