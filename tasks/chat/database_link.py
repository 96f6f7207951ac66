"""A process's one connection to the cache's database, in a thread of its own.

All that is asked at a moment goes in one round trip. The connection holds the locks: where it is lost they
are, so it is opened again and takes them again before anything else is done, and a record is stored by the
connection that holds its lock.
"""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

import psycopg

from docmill.tasks.chat import database_sql as sql
from docmill.tasks.chat.database_ask import Ask, tell

PATIENCE_S = 60.0  # how long a database may be away
RETRY_S = 0.5
HEARTBEAT_S = 1.0  # within it a loss is noticed while locks are held
GRACE_S = 3.0  # others may take their locks again before new ones are given
IDLE_S = 30.0
MOST_AT_ONCE = 500


class Link:
    """Does what is asked in the order store, use, unlock, lock, read."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._asked: SimpleQueue[Ask] = SimpleQueue()
        self._early: list[Ask] = []  # locks that are asked for before they may be given
        self._held: Counter[str] = Counter()
        self._opened: sql.Opened | None = None
        self._backends: list[tuple[int, Any]] = []  # ours, of which those that were lost may live on
        self._settled_at = 0.0
        self._patience_s = 0.0  # none until it has answered once
        self._start = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self, ask: Ask) -> "Future[Any]":
        """Have something done."""
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="docmill cache", daemon=True)
                self._thread.start()
        self._asked.put(ask)
        return ask.done

    def _serve(self) -> None:
        rested_s = 0.0
        while True:
            batch = self._next()
            rested_s = 0.0 if batch else rested_s + HEARTBEAT_S
            if batch:
                self._do(batch)
            elif self._held:
                with suppress(Exception):  # what is asked next finds it open, or waits and is told
                    self._beat()
            elif rested_s >= IDLE_S:
                self._close()
                self._backends = []

    def _next(self) -> list[Ask]:
        """Wait for what is asked, take all that is there; nothing where it is time for a heartbeat."""
        batch: list[Ask] = []
        wait_s = self._settled_at - time.monotonic() if self._early else HEARTBEAT_S
        resting = self._opened is None and not self._held and not self._early
        with suppress(Empty):
            batch.append(self._asked.get(timeout=None if resting else max(0.0, wait_s)))
            while len(batch) < MOST_AT_ONCE:
                batch.append(self._asked.get_nowait())
        if self._early and time.monotonic() >= self._settled_at:
            batch, self._early = [*self._early, *batch], []
        return batch

    def _do(self, batch: list[Ask]) -> None:
        """Do what is asked, again where the connection is lost, until the patience is at an end."""
        asks = [ask for ask in batch if ask.done.running() or ask.done.set_running_or_notify_cancel()]
        give_up = time.monotonic() + self._patience_s
        while True:
            try:
                self._open()
                self._run([ask for ask in asks if not ask.done.done()])
                return
            except psycopg.Error as error:
                if not self._closed_if_lost(error) and self._taken_back(asks) and not sql.is_away(error):
                    tell(asks, error)
                    return
                if time.monotonic() >= give_up:
                    self._give_up(asks, error)
                    return
            except Exception as error:  # noqa: BLE001  the thread goes on; who asked is told
                self._give_up(asks, error)
                return
            time.sleep(RETRY_S)

    def _closed_if_lost(self, error: psycopg.Error) -> bool:
        """Close the connection where it is lost, or the server only reads; says whether it did."""
        if self._opened and not self._opened.connection.closed and error.sqlstate != "25006":
            return False
        self._close()
        return True

    def _taken_back(self, asks: Sequence[Ask]) -> bool:
        """Let go what a statement that failed may have locked, and what it was to let go."""
        freed = [ask for ask in asks if ask.verb == "unlock" and not ask.done.done()]
        tried = [ask for ask in asks if ask.verb == "lock" and ask.key not in self._held]
        try:
            self._connection().rollback()
            self._connection().execute(sql.UNLOCK, ([sql.number(ask.key) for ask in (*freed, *tried)],))
        except psycopg.Error:
            self._close()
            return False
        self._held -= Counter(ask.key for ask in freed)
        for ask in freed:
            ask.done.set_result(None)
        return True

    def _give_up(self, asks: Sequence[Ask], error: Exception) -> None:
        self._close()
        self._patience_s = 0.0
        self._held.clear()
        tell((*asks, *self._early), error)
        self._early = []

    def _run(self, asks: Sequence[Ask]) -> None:
        stores = {ask.key: ask for ask in asks if ask.verb == "store"}
        if stores:
            self._store(list(stores.values()))
        if uses := [ask.key for ask in asks if ask.verb == "use"]:
            self._note(uses)
        for ask in asks:  # of one key twice the last is kept
            if ask.verb in ("store", "use") and not ask.done.done():
                ask.done.set_result(None)
        settled = time.monotonic() >= self._settled_at
        rest = [ask for ask in asks if ask.verb not in ("store", "use")]
        self._rest([ask for ask in rest if settled or ask.verb != "lock"])
        self._early += [ask for ask in asks if ask.verb == "lock" and not settled]

    def _store(self, asks: Sequence[Ask]) -> None:
        """Store records and let their locks go; where one is not taken it alone is told."""
        connection, freed = self._connection(), [ask.key for ask in asks if ask.key in self._held]
        keys, contents = [ask.key for ask in asks], [ask.content for ask in asks]
        try:
            connection.execute(sql.STORE, (keys, contents, [sql.number(key) for key in freed]))
        except psycopg.Error as error:
            if connection.closed or sql.is_away(error):
                raise
            connection.rollback()
            if len(asks) == 1:
                asks[0].done.set_exception(OSError(sql.said(error)))
                return
            for ask in asks:
                self._store([ask])
            return
        self._held -= Counter(freed)
        for ask in asks:
            ask.done.set_result(None)

    def _note(self, keys: Sequence[str]) -> None:
        """Note what was read; where the database does not take it, nothing else fails for it."""
        connection = self._connection()
        try:
            sql.note_uses(connection, keys)
        except psycopg.Error as error:
            if connection.closed or sql.is_away(error):
                raise
            connection.rollback()

    def _rest(self, asks: Sequence[Ask]) -> None:
        """Let locks go, try for others, and read."""
        if not asks:
            return
        freed = [ask.key for ask in asks if ask.verb == "unlock" and ask.key in self._held]
        tried = [ask.key for ask in asks if ask.verb == "lock"]
        read = [ask.key for ask in asks if ask.verb in ("lock", "read")]
        if freed or read:
            numbers = [[sql.number(key) for key in keys] for keys in (freed, tried)]
            cursor = self._connection().execute(sql.TRY_AND_READ, (*numbers, read))
            cursor.nextset()
            got = [bool(row[0]) for row in cursor.fetchall()]
            cursor.nextset()
            found = {row[0]: (row[1].encode(), row[2] - self._ahead_s()) for row in cursor.fetchall()}
            self._held -= Counter(freed)
            self._held += Counter(key for key, locked in zip(tried, got, strict=True) if locked)
        locked = iter(got if tried else ())
        for ask in asks:
            row = found.get(ask.key) if ask.verb != "unlock" else None
            ask.done.set_result((next(locked), row) if ask.verb == "lock" else row)

    def _open(self) -> None:
        """Open the connection where there is none, and take the locks again that were held."""
        if self._opened:
            return
        opened = sql.connect(self._url)
        lost, self._opened = self._backends, opened
        wait_s = GRACE_S if lost else GRACE_S - opened.up_s
        self._settled_at = time.monotonic() + max(0.0, wait_s)
        self._backends = [*lost, opened.backend]
        try:
            for backend in lost:
                opened.connection.execute(sql.END, backend)
            self._take_again()
        except psycopg.Error:  # it has not all its locks
            self._close()
            raise
        self._backends, self._patience_s = [opened.backend], PATIENCE_S

    def _take_again(self) -> None:
        """Take the locks that were held; one that another process has taken meanwhile is lost."""
        missing, give_up = self._held, time.monotonic() + GRACE_S
        taken: Counter[str] = Counter()
        while missing:
            keys = list(missing.elements())
            numbers = [sql.number(key) for key in keys]
            cursor = self._connection().execute(sql.TRY_AND_READ, ([], numbers, []))
            cursor.nextset()
            taken += Counter(key for key, (got,) in zip(keys, cursor.fetchall(), strict=True) if got)
            missing = self._held - taken
            if not missing or time.monotonic() > give_up:
                break
            time.sleep(0.05)
        self._held = taken

    def _beat(self) -> None:
        try:
            self._open()
            self._connection().execute("SELECT 1")
        except psycopg.Error as error:
            self._closed_if_lost(error)
            raise

    def _connection(self) -> "psycopg.Connection[Any]":
        assert self._opened is not None
        return self._opened.connection

    def _ahead_s(self) -> float:
        assert self._opened is not None
        return self._opened.ahead_s

    def _close(self) -> None:
        if self._opened:
            with suppress(psycopg.Error):
                self._opened.connection.close()
        self._opened = None
