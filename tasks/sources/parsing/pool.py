"""The children of this process: started when they are needed, reused, and replaced when they die."""

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.kinds import Asked
from docmill.tasks.sources.parsing.process import Child
from docmill.tasks.sources.parsing.reasons import OCR_WALL_S, WALL_S, Reason

SIZE = min(4, os.cpu_count() or 1)
Reply = tuple[str, bytes]


class Pool:
    """At most SIZE children for any number of threads; once closed, it parses nothing any more.

    Those of one that `sees` read pictures, too.
    """

    def __init__(self, *, sees: bool = False) -> None:
        self._sees = sees
        self._room = threading.Semaphore(SIZE)
        self._lock = threading.Lock()
        self._free: list[Child] = []
        self._busy: set[Child] = set()
        self._closed = False

    def parse(self, kind: Asked, content: bytes) -> Reply:
        """Have a child parse a document, once one is free; raises Unreadable."""
        with self._room:
            until = time.monotonic() + (OCR_WALL_S if self._sees else WALL_S)
            reply, fresh = self._asked(kind, content, until)
            if reply in (Reason.MEMORY, Reason.DIED) and not fresh:
                # What the child read before must not decide this one's outcome.
                reply, _ = self._asked(kind, content, until)
        if isinstance(reply, Reason):
            raise Unreadable(Reason.ENDED if self._closed else reply)
        return reply

    def _asked(self, kind: Asked, content: bytes, until: float) -> tuple[Reply | Reason, bool]:
        child = self._taken()
        fresh, child.fresh = child.fresh, False
        try:
            return child.parse(kind, content, until - time.monotonic()), fresh
        finally:
            self._back(child)

    def _taken(self) -> Child:
        with self._lock:
            if self._closed:
                raise Unreadable(Reason.ENDED)
            while self._free and not self._free[-1].usable():
                self._free.pop().end()
            child = self._free.pop() if self._free else Child(sees=self._sees)
            self._busy.add(child)
            return child

    def _back(self, child: Child) -> None:
        with self._lock:
            self._busy.discard(child)
            if child.usable() and not self._closed:
                self._free.append(child)
            else:
                child.end()

    def close(self) -> None:
        """End all children, those that parse too."""
        with self._lock:
            self._closed = True
            for child in self._busy:
                child.kill()
            while self._free:
                self._free.pop().end()


class _Kept:
    """The pools of this process, and how many sources want them kept."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pools = self.fresh()
        self.users = 0

    @staticmethod
    def fresh() -> tuple[Pool, Pool]:
        """Make one that does not read pictures, and one that does; neither has a child yet."""
        return Pool(), Pool(sees=True)


_kept = _Kept()


@contextmanager
def kept() -> Iterator[None]:
    """Keep the children until the last such block ends, and then nothing of them."""
    with _kept.lock:
        _kept.users += 1
    try:
        yield
    finally:
        with _kept.lock:
            _kept.users -= 1
            last = not _kept.users
        if last:
            close()


def stop() -> None:
    """End what is being read at once, unless another source is open in this process, too."""
    with _kept.lock:
        alone = _kept.users <= 1
    if alone:
        close()


@atexit.register
def close() -> None:
    """End the children; what still waits for one is unreadable, as the run has ended."""
    with _kept.lock:
        closing, _kept.pools = _kept.pools, _kept.fresh()
    for each in closing:
        each.close()


def parse(kind: Asked, content: bytes, *, sees: bool = False) -> Reply:
    """Have a child of this process parse a document, one that reads pictures if asked; raises Unreadable."""
    return _kept.pools[sees].parse(kind, content)
