"""Opens a results database: SQLite in WAL mode, or PostgreSQL by psycopg."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, SQLAlchemyError, StatementError

from docmill.schemas.endpoint import SECRET_OPTIONS
from docmill.schemas.errors import ConfigError, Deadlock, StorageError
from docmill.tasks.sinks.duckdb_dialect import duckdb_engine, locked
from docmill.tasks.sinks.encoding import dumps

BUSY_TIMEOUT_S = 30
CONNECT_TIMEOUT_S = 10
# Options that lead to no other host than the URL's, take nothing from a file and protect no less.
HARMLESS = {"application_name", "connect_timeout", "port", "target_session_attrs"}
FILES = ("sqlite", "duckdb")  # backends whose databases are files
HOSTS = ("host", "hostaddr")  # options that name hosts, several at once
DEADLOCK = "40P01"  # PostgreSQL's sqlstate
OF_THE_SETUP = {  # by sqlstate: what is wrong with a database, or the way to it, and what helps
    "22P05": "its encoding lacks a character of a text: make a database with ENCODING 'UTF8'",
    "26000": "a pooler in transaction mode has lost a prepared statement: let it keep them (PgBouncer's "
    "max_prepared_statements), or connect past it",
}
TRIES = 5
T = TypeVar("T")
SCHEMA_LOCK = 0x646F636D696C6C  # "docmill": one process at a time creates tables in PostgreSQL


def engine_of(url: str) -> Engine:
    """Make the engine of a URL; connects to nothing yet. Raises ConfigError for what is no such URL."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, json_serializer=dumps, connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        return engine
    if parsed.get_backend_name() == "duckdb":
        return duckdb_engine(parsed)
    engine = create_engine(
        parsed,
        json_serializer=dumps,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",  # who waited for a lock sees what its holder has written
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "docmill",
            "client_encoding": "utf8",  # of a database without an encoding the driver gives bytes
        },
    )
    event.listen(engine, "connect", _configure_postgres)
    return engine


def shown(url: str) -> str:
    """Write a URL without its password."""
    parsed = _parsed(url)
    hidden = dict.fromkeys(SECRET_OPTIONS & parsed.query.keys(), "***")
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


def sqlite_file(url: str) -> Path | None:
    """Give the file of a SQLite or DuckDB URL; None for another database."""
    parsed = _parsed(url)
    return Path(parsed.database or "") if parsed.get_backend_name() in FILES else None


def takes_one_process(url: str) -> bool:
    """Say whether a database is open to one process at a time alone."""
    return _parsed(url).get_backend_name() == "duckdb"


def inode(file: Path) -> int | None:
    """Tell one file from another of the same name; None where there is none."""
    try:
        return file.stat().st_ino
    except FileNotFoundError:
        return None


def require_folder(url: str) -> None:
    """Raise ConfigError where a SQLite file would lie in a folder that does not exist."""
    file = sqlite_file(url)
    if file is not None and not file.absolute().parent.is_dir():
        raise ConfigError(f"into: there is no folder {str(file.parent)!r} for {file.name}: make it first")


def hosts_of(place: str, url: str) -> frozenset[str]:
    """Name every host that a database's driver may connect to by a URL; none for a SQLite file.

    They are those of the object that is opened, in lower case. Raises ConfigError, naming the place,
    for a URL that another reader would read otherwise, and for options that may lead elsewhere.
    """
    try:
        parsed = make_url(url)
        again, host = make_url(parsed.render_as_string(hide_password=False)), urlsplit(url).hostname
    except (ArgumentError, ValueError):
        raise ConfigError(f"{place}: not a database's URL") from None
    if parsed.get_backend_name() == "sqlite":
        return frozenset()
    if again != parsed or (host or "") != (parsed.host or "").lower():
        raise ConfigError(f"{place}: its host can be read in two ways: percent-encode what is no part of it")
    for name in parsed.query.keys() - HARMLESS - set(HOSTS):
        raise ConfigError(f"{place}: the option {name} may lead elsewhere: leave it out")
    named = [host for name in HOSTS for host in parsed.normalized_query.get(name, ())]
    said = [*named, parsed.host] if parsed.host else named or [""]  # without one its driver chooses
    return frozenset(_host(each) for hosts in said for each in hosts.split(","))


def _host(said: str) -> str:
    """Take the port off a host as an option names it; an IPv6 address may stand in brackets."""
    name = said.partition(":")[0] if said.count(":") == 1 else said
    return name.removeprefix("[").partition("]")[0].lower()


def answers(url: str) -> str:
    """Connect to a results database, write nothing, and say what is there; raises ConfigError."""
    file = sqlite_file(url)
    if file is not None and not file.exists():
        if not os.access(file.absolute().parent, os.W_OK):
            raise ConfigError(f"into: {str(file.absolute().parent)!r} is no folder that docmill may write to")
        return "does not exist yet: the first run makes it"
    engine = engine_of(url)
    try:
        with engine.connect() as connection:
            tables = inspect(connection).has_table("docmill_runs")
    except (SQLAlchemyError, ValueError, TypeError) as error:
        raise ConfigError(f"into: the database {shown(url)} cannot be opened: {reason(error)}") from None
    finally:
        engine.dispose()
    return "answers, and holds results" if tables else "answers, and holds no results yet"


@contextmanager
def changing_tables(engine: Engine) -> Iterator[Connection]:
    """Open a transaction in which no other docmill creates or alters tables."""
    with engine.begin() as connection:  # SQLite's takes the write lock at once
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})"))
        yield connection


@contextmanager
def failing(url: str, remedy: str = "try again") -> Iterator[None]:
    """Raise StorageError, with what to do, for what a results database does not do within the block."""
    try:
        yield
    except SQLAlchemyError as error:
        said = f"the results database {url} failed: {reason(error)}"
        kind = (
            Deadlock if getattr(getattr(error, "orig", None), "sqlstate", None) == DEADLOCK else StorageError
        )
        raise kind(f"{said}. Put that right, then {remedy}") from None


def again(transaction: Callable[[], T]) -> T:
    """Do a whole transaction, and where it ended by a deadlock do it again; raises what else it raises."""
    for _ in range(TRIES):
        with suppress(Deadlock):
            return transaction()
    try:
        return transaction()
    except Deadlock as error:
        raise StorageError(str(error)) from None


def reason(error: Exception) -> str:
    """Say in one line what a database's driver said; of a value that it did not take its kind alone.

    The line reaches Prefect's states, and a driver quotes what it refuses: a document's or a model's text.
    """
    cause = getattr(error, "orig", None) or error
    if told := OF_THE_SETUP.get(getattr(cause, "sqlstate", None) or ""):
        return told
    said = str(cause).strip()
    if remedy := locked(said):
        return remedy
    quotes = isinstance(error, DataError | IntegrityError) or type(error) is StatementError
    return type(cause).__name__ if quotes or not said else said.splitlines()[0]


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "into: not a database's URL, such as sqlite:///docmill.db or postgresql://user@host/name"
        ) from None
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgres":
        raise ConfigError("into: write postgresql:// where it says postgres://")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg", "duckdb"):
        raise ConfigError(f"into: {parsed.drivername} is not supported: use sqlite, postgresql or duckdb")
    if parsed.drivername == "sqlite" and "uri" in parsed.query:
        raise ConfigError("into: SQLite's option uri is not taken: name the file itself")
    if parsed.drivername in FILES and parsed.database in (None, "", ":memory:"):
        raise ConfigError("into: a database in memory is lost at once: name a file")
    if parsed.drivername == "duckdb" and (parsed.query or (parsed.database or "").startswith("md:")):
        raise ConfigError("into: a DuckDB file is named alone, without options: duckdb:///results.duckdb")
    return parsed


def _configure(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # sqlite3's own BEGIN comes late and deferred
    connection.execute("PRAGMA journal_mode=WAL")


def _configure_postgres(connection: Any, _: Any) -> None:
    """Have times and numbers written as the driver reads them, whatever the database is set to."""
    connection.execute("SET datestyle = ISO; SET extra_float_digits = 1")
    connection.commit()


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads first is refused, not queued, when it comes to write.
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
