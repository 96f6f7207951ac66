"""The cache in a PostgreSQL database, which workers share without a shared disk.

A key's lock is an advisory lock of the session: the server frees it when the process or its machine ends.
"""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from psycopg import conninfo

from docmill.schemas.errors import ConfigError, StorageError
from docmill.tasks.chat import database_sql as sql
from docmill.tasks.chat.database_ask import Ask, Row
from docmill.tasks.chat.database_link import Link
from docmill.tasks.chat.database_records import DatabaseRecords
from docmill.tasks.chat.places import RECORDS
from docmill.tasks.chat.records import Records, is_young


class DatabaseCache:
    """Records and locks in a database; connects when it is first asked."""

    remedy = "See that the database runs and takes what is written (or set DOCMILL_CACHE)"

    def __init__(self, url: str) -> None:
        self._url = sql.plain(url)
        self._shown = _shown(self._url)
        self._link = Link(self._url)
        self._identity = ""
        self._found: dict[str, Row | None] = {}  # of the keys that are locked: read as they were

    def __str__(self) -> str:
        return self._shown

    async def read(self, key: str) -> tuple[bytes, float]:
        """Read a record, and when it was written; of a locked key it is known already."""
        if key in self._found:
            row = self._found[key]
        else:
            try:
                row = await asyncio.wrap_future(self._link.ask(Ask("read", key)))
            except OSError as error:
                raise self._lost(error) from None
        if row is None:
            raise FileNotFoundError(key)
        return row

    async def write(self, key: str, content: bytes) -> None:
        """Write a record durably, which lets its lock go; what is not below chat/ is not kept."""
        if not key.startswith(f"{RECORDS}/"):
            return
        text = json.dumps(json.loads(content))  # ASCII, which a database of any encoding takes
        await asyncio.wrap_future(self._link.ask(Ask("store", key, text)))
        self._found.pop(key, None)

    async def lock(self, key: str) -> bool:
        """Try to lock a key for this process."""
        asked = self._link.ask(Ask("lock", key))
        try:
            locked, row = await asyncio.wrap_future(asked)
        except asyncio.CancelledError:
            asked.add_done_callback(lambda done: self._drop(key, done))
            raise
        except OSError as error:
            raise self._lost(error) from None
        if locked:
            self._found[key] = row
        return bool(locked)

    def try_lock(self, key: str) -> bool:
        """Try to lock a key for this process, outside of an event loop."""
        try:
            locked, _ = self._link.ask(Ask("lock", key)).result()
        except OSError as error:
            raise self._lost(error) from None
        return bool(locked)

    def unlock(self, key: str) -> None:
        """Unlock a key that this process has locked, soon."""
        self._found.pop(key, None)
        self._link.ask(Ask("unlock", key))

    def identity(self) -> str:
        """Name the table by its server's own number, which its replicas share, its database's and its own."""
        if not self._identity:
            with self._connected() as connection:
                [numbers] = connection.execute(sql.IDENTITY).fetchall()
            self._identity = "-".join(map(str, numbers))
        return self._identity

    def ask(self) -> str:
        """Say what is there; makes the table where it is missing. Raises ConfigError."""
        try:
            opened = sql.connect(self._url)
        except psycopg.Error as error:
            raise ConfigError(f"the cache {self} cannot be opened: {sql.said(error)}") from None
        with opened.connection as connection:
            row = connection.execute("SELECT EXISTS (SELECT FROM docmill__completions)").fetchone()
        return "answers, and holds records" if row == (True,) else "answers, and holds no records yet"

    def note_use(self, key: str, written: float) -> None:
        """Note that a record was read, soon and before its lock goes, unless it is young."""
        if not is_young(written):
            self._link.ask(Ask("use", key))

    def results(self) -> list[str]:
        """Read the lines of the results databases."""
        with self._connected() as connection:
            sql.make(connection, "docmill__results", sql.RESULTS)
            rows = connection.execute("SELECT line FROM docmill__results ORDER BY noted_at").fetchall()
        return [line for (line,) in rows]

    def note_results(self, line: str) -> None:
        """Add a line."""
        with self._connected() as connection:
            sql.make(connection, "docmill__results", sql.RESULTS)
            connection.execute("INSERT INTO docmill__results VALUES (%s) ON CONFLICT DO NOTHING", (line,))

    @contextmanager
    def records(self, since: float) -> Iterator[Records]:
        """Open its records, over a connection that is closed in the end."""
        with self._connected() as connection:
            sql.make(connection, "docmill__used", sql.USED)
            yield DatabaseRecords(connection, since)

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        """Connect apart from the calls; raises StorageError."""
        try:
            with sql.connect(self._url).connection as connection:
                yield connection
        except psycopg.Error as error:
            raise self._lost(OSError(sql.said(error))) from None

    def _drop(self, key: str, done: "Future[Any]") -> None:
        """Let a lock go that came after its caller had gone."""
        if not done.cancelled() and not done.exception() and done.result()[0]:
            self._link.ask(Ask("unlock", key))

    def _lost(self, error: OSError) -> StorageError:
        return StorageError(f"the cache {self} does not answer: {error}. {self.remedy}, then run again")


@cache
def database_cache(url: str) -> DatabaseCache:
    """Give the process's one cache of a URL; raises ConfigError for what is no such URL."""
    return DatabaseCache(url)


def _shown(url: str) -> str:
    """Write a URL without what is secret."""
    try:
        parts = {name: str(value) for name, value in conninfo.conninfo_to_dict(url).items()}
    except psycopg.Error:  # what it says may quote the password
        parts = {"host": "@"}
    host, ports = parts.get("host", ""), parts.get("port", "5432")
    unescaped = "@" in host + parts.get("dbname", "") or not ports.replace(",", "0").isdecimal()
    if unescaped:  # of a password, of which the driver's own words would quote a part
        raise ConfigError(
            "DOCMILL_CACHE: not a database's URL, such as postgresql://user@host/name; "
            "percent-encode what its password has of @, / and :"
        )
    user = f"{parts['user']}@" if "user" in parts else ""
    port = f":{ports}" if "port" in parts else ""
    return f"postgresql://{user}{host}{port}/{parts.get('dbname', '')}"
