"""The windows of a lane in the cache's database, which all its workers share: by the server's clock.

All that is asked at a moment goes in one transaction, by a connection of its own. What the last call gives
back is written with the next that asks.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from queue import SimpleQueue
from typing import Any

import psycopg

from docmill.schemas.errors import StorageError
from docmill.tasks.chat import database_sql as sql
from docmill.tasks.chat.window_file import packed, unpacked
from docmill.tasks.chat.windows import WINDOW_S, Rates, Slot, State

PATIENCE_S = 60.0  # how long the database may be away
RETRY_S = 0.5

Change = Callable[[State, float], Slot | None]  # of the windows at a moment, which counts in windows


class DatabaseWindows:
    """The windows of one lane; raises StorageError where the database does not answer."""

    def __init__(self, url: str, lane: str, window_s: float = WINDOW_S) -> None:
        self._url = url
        self._lane = lane.encode("ascii", "backslashreplace").decode()  # for a database of any encoding
        self._window_s = window_s
        self._asked: SimpleQueue[tuple[Change, Future[Any]]] = SimpleQueue()
        self._connection: psycopg.Connection[Any] | None = None
        self._thread = threading.Thread(target=self._serve, name="docmill windows", daemon=True)
        self._thread.start()

    async def take(self, rates: Rates, tokens: float) -> Slot:
        """Reserve the next place for a call of so many tokens."""
        asked = self._ask(lambda state, now: state.take(now, rates, tokens))
        try:
            slot: Slot = await asyncio.shield(asyncio.wrap_future(asked))
        except asyncio.CancelledError:
            asked.add_done_callback(lambda done: self._give_back(rates, done))
            raise
        return Slot(slot.wait_s * self._window_s, slot.cause, slot.part, slot.tokens)

    def settle(self, rates: Rates, slot: Slot, requests: float, tokens: float) -> None:
        """Correct what a slot took by what its call took in the end; nothing waits for it."""
        self._ask(lambda state, now: state.settle(now, rates, slot, requests, tokens))

    def _ask(self, change: Change) -> "Future[Any]":
        asked: Future[Any] = Future()
        self._asked.put((change, asked))
        return asked

    def _give_back(self, rates: Rates, done: "Future[Any]") -> None:
        if not done.cancelled() and done.exception() is None:
            self.settle(rates, done.result(), 0, 0)

    def _serve(self) -> None:
        while True:
            batch = [self._asked.get()]
            while not self._asked.empty():
                batch.append(self._asked.get())
            self._do(batch)

    def _do(self, batch: list[tuple[Change, "Future[Any]"]]) -> None:
        """Do what is asked, again where the connection is lost, until the patience is at an end."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                slots = self._changed([change for change, _ in batch])
            except Exception as error:  # noqa: BLE001  the thread goes on; who asked is told
                may_come_back = isinstance(error, psycopg.Error) and (self._is_lost() or sql.is_away(error))
                self._close()
                if may_come_back and time.monotonic() < give_up:
                    time.sleep(RETRY_S)
                    continue
                lost = StorageError(f"the cache's database takes no call of the minute: {sql.said(error)}")
                for _, asked in batch:
                    asked.set_exception(lost)
                return
            for (_, asked), slot in zip(batch, slots, strict=True):
                asked.set_result(slot)
            return

    def _is_lost(self) -> bool:
        return self._connection is None or bool(self._connection.closed)

    def _changed(self, changes: list[Change]) -> list[Slot | None]:
        """Make the changes in one transaction, which holds the lane's row: two round trips."""
        connection = self._opened()
        cursor = connection.execute(sql.HOLD_WINDOWS, (self._lane, self._lane))
        while cursor.nextset():
            pass
        content, seconds = cursor.fetchall()[0]
        now = float(seconds) / self._window_s
        state = unpacked(bytes(content)) if content else None
        state = state if state and state.is_sound(now) else State()
        slots = [change(state, now) for change in changes]
        connection.execute(sql.KEEP_WINDOWS, (packed(state), self._lane))
        return slots

    def _opened(self) -> "psycopg.Connection[Any]":
        if self._connection is None:
            self._connection = sql.connect(self._url).connection
            sql.make(self._connection, "docmill__windows", sql.WINDOWS)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
        self._connection = None


@cache
def database_windows(url: str, lane: str, window_s: float) -> DatabaseWindows:
    """Give the process's one connection to a lane's windows."""
    return DatabaseWindows(sql.plain(url), lane, window_s)
