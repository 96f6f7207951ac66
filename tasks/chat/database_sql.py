"""The cache's tables and statements in PostgreSQL, and how its one connection is opened."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

CONNECT_TIMEOUT_S = 10
MAKING = 0x646F636D696C6D  # one process at a time makes the table
TABLE = """
CREATE TABLE IF NOT EXISTS docmill__completions (
    key text PRIMARY KEY,
    record text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
)"""
WINDOWS = "CREATE TABLE IF NOT EXISTS docmill__windows (lane text PRIMARY KEY, state bytea)"
# What `docmill prune` asks: the older records that were read, and the results databases that were served.
USED = "CREATE TABLE IF NOT EXISTS docmill__used (key text PRIMARY KEY, used_at timestamptz NOT NULL)"
RESULTS = """
CREATE TABLE IF NOT EXISTS docmill__results (
    line text PRIMARY KEY,
    noted_at timestamptz NOT NULL DEFAULT clock_timestamp()
)"""
NOTE_USES = """
INSERT INTO docmill__used (key, used_at) SELECT k, clock_timestamp() FROM unnest(%s::text[]) AS t(k)
  ON CONFLICT (key) DO UPDATE SET used_at = excluded.used_at"""
HOLD_WINDOWS = """
BEGIN;
INSERT INTO docmill__windows (lane) VALUES (%s) ON CONFLICT (lane) DO NOTHING;
SELECT state, extract(epoch FROM clock_timestamp())::float8
  FROM docmill__windows WHERE lane = %s FOR UPDATE"""
KEEP_WINDOWS = "UPDATE docmill__windows SET state = %s WHERE lane = %s; COMMIT"
# A lock is seen by the statement after it alone: its snapshot has what the holder before has written.
TRY_AND_READ = """
SELECT pg_advisory_unlock(k) FROM unnest(%s::bigint[]) AS t(k);
SELECT pg_try_advisory_lock(k) FROM unnest(%s::bigint[]) WITH ORDINALITY AS t(k, n) ORDER BY n;
SELECT key, record, extract(epoch FROM created_at)::float8
  FROM docmill__completions WHERE key = ANY(%s::text[])"""
# A lock is let go once the record is durable: who gets it then reads the record.
STORE = """
BEGIN;
INSERT INTO docmill__completions (key, record)
  SELECT * FROM unnest(%s::text[], %s::text[])
  ON CONFLICT (key) DO UPDATE SET record = excluded.record, created_at = excluded.created_at;
COMMIT;
SELECT pg_advisory_unlock(k) FROM unnest(%s::bigint[]) AS t(k)"""
# Nothing has to be made for it, which a user of the table alone may not. By another search_path it is another
# table.
IDENTITY = """
SELECT system_identifier, (SELECT oid FROM pg_database WHERE datname = current_database()),
       to_regclass('docmill__completions')::oid
  FROM pg_control_system()"""
# Locks outlive the transaction that took them, and are not given back by one that fails.
UNLOCK = "SELECT pg_advisory_unlock(k) FROM unnest(%s::bigint[]) AS t(k)"
# What a server may have been told to do to connections that rest, and how to write times and numbers; names
# that it does not know are left out.
SETTINGS = """
SELECT set_config(name, value, false) FROM pg_settings JOIN (VALUES
    ('idle_session_timeout', '0'), ('statement_timeout', '0'), ('lock_timeout', '0'),
    ('default_transaction_isolation', 'read committed'), ('DateStyle', 'ISO'), ('extra_float_digits', '1'),
    ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3')
) AS wanted(name, value) USING (name)"""
ABOUT = """
SELECT pg_backend_pid(), backend_start, extract(epoch FROM clock_timestamp())::float8,
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8
  FROM pg_stat_activity WHERE pid = pg_backend_pid()"""
# Of a connection that was cut on the way the server may not know yet: it would keep our own locks from us.
END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND backend_start = %s"


@dataclass(frozen=True)
class Opened:
    """A connection, the server's name for it, how far its clock is ahead, and how long the server is up."""

    connection: psycopg.Connection[Any]
    backend: tuple[int, Any]
    ahead_s: float
    up_s: float


def connect(url: str) -> Opened:
    """Open the connection and make the table where it is missing; raises psycopg.Error."""
    # Locks of a standby keep nobody out.
    whole = url if "target_session_attrs" in url else make_conninfo(url, target_session_attrs="read-write")
    connection = psycopg.connect(
        whole,
        autocommit=True,
        cursor_factory=psycopg.ClientCursor,  # several statements in one round trip
        connect_timeout=CONNECT_TIMEOUT_S,
        application_name="docmill cache",
        client_encoding="utf8",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=15_000,
    )
    try:
        connection.execute(SETTINGS)
        asked = time.time()
        [row] = connection.execute(ABOUT).fetchall()
        ahead_s = row[2] - (asked + time.time()) / 2
        make(connection, "docmill__completions", TABLE)
    except BaseException:
        connection.close()
        raise
    return Opened(connection, (row[0], row[1]), ahead_s, row[3])


def plain(url: str) -> str:
    """Write a URL as the driver takes it, without the name that SQLAlchemy gives the driver."""
    return url.replace("postgresql+psycopg:", "postgresql:", 1)


def make(connection: psycopg.Connection[Any], table: str, declared: str) -> None:
    """Make a table of the cache's where it is missing."""
    if connection.execute("SELECT to_regclass(%s)", (table,)).fetchone() == (None,):
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (MAKING,))
            connection.execute(declared)


def note_uses(connection: psycopg.Connection[Any], keys: Sequence[str]) -> None:
    """Note that older records were read."""
    make(connection, "docmill__used", USED)
    connection.execute(NOTE_USES, (list(set(keys)),))


def is_away(error: psycopg.Error) -> bool:
    """Say whether it may well go on soon: a standby takes over, there is no room, an operator ends it."""
    state = error.sqlstate or ""
    return state == "25006" or state.startswith(("40", "53", "57"))


def number(key: str) -> int:
    """Give the number of a key's advisory lock: 64 bits of its digest, signed."""
    return int.from_bytes(bytes.fromhex(key.rpartition("/")[2][:16]), signed=True)


def said(error: BaseException) -> str:
    """Say in one line what the driver said, which names no password."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
