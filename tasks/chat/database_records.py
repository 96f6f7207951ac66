"""What a cache in a database holds: listed and freed by `docmill prune`, over a connection of its own."""

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from docmill.tasks.chat import database_sql as sql
from docmill.tasks.chat.records import DIGEST, Record

CHUNK = 1000
EACH = """
SELECT c.key, pg_column_size(c.record), extract(epoch FROM c.created_at)::float8,
       coalesce(u.used_at >= to_timestamp(%s), false)
  FROM docmill__completions c LEFT JOIN docmill__used u USING (key)
 WHERE c.key > %s ORDER BY c.key LIMIT %s"""
# What a holder of the lock has noted before it let go is seen by the statement after this one alone.
LOCK = """
SELECT key FROM unnest(%s::text[], %s::bigint[]) AS t(key, k) WHERE pg_try_advisory_xact_lock(k)"""
FREE = """
DELETE FROM docmill__completions c USING unnest(%s::text[], %s::float8[]) AS t(key, written)
 WHERE c.key = t.key AND extract(epoch FROM c.created_at)::float8 = t.written
   AND NOT EXISTS (SELECT FROM docmill__used u WHERE u.key = c.key AND u.used_at >= to_timestamp(%s))
RETURNING c.key"""
FORGET = """
DELETE FROM docmill__used u
 WHERE u.used_at < to_timestamp(%s) OR NOT EXISTS (SELECT FROM docmill__completions c WHERE c.key = u.key)"""


class DatabaseRecords:
    """A database's records, and which of them were read since a time; raises psycopg.Error."""

    def __init__(self, connection: psycopg.Connection[Any], since: float) -> None:
        self._connection, self._since = connection, since

    def each(self) -> Iterator[Record]:
        """List the records, by their keys; sizes are as they are stored."""
        last = ""
        while chunk := self._connection.execute(EACH, (self._since, last, CHUNK)).fetchall():
            for key, size, written, used in chunk:
                digest = key.rpartition("/")[2]
                if DIGEST.fullmatch(digest):
                    yield Record(key, digest, size, written, was_used=used)
            last = chunk[-1][0]

    def was_used(self, record: Record) -> bool:
        """Say whether a record was read since then, as it was when it was listed."""
        return record.was_used

    def free(self, records: Iterable[Record]) -> list[Record]:
        """Remove records, each under its key's lock; gives which went."""
        by_key = {record.place: record for record in records}
        with self._connection.transaction():
            locks = (list(by_key), [sql.number(key) for key in by_key])
            held = [key for (key,) in self._connection.execute(LOCK, locks).fetchall()]
            times = [by_key[key].written for key in held]
            gone = self._connection.execute(FREE, (held, times, self._since)).fetchall()
        return [by_key[key] for (key,) in gone]

    def forget(self) -> None:
        """Remove the notes of what was read before, or is gone."""
        self._connection.execute(FORGET, (self._since,))
