"""A query over any database that SQLAlchemy has a dialect for: read only, and streamed."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.spelling import meant
from docmill.tasks.sources.duckdb_file import duckdb_engine
from docmill.tasks.sources.high_water import Since, above, quoting

MAX_BUFFERED_ROWS = 100  # of a slow query few are waited for
BUFFERED_BYTES = 16_000_000  # about: of large rows fewer are read ahead
LARGE_ROW_BYTES = BUFFERED_BYTES // MAX_BUFFERED_ROWS
CONNECT_TIMEOUT_S = 10
BUSY_TIMEOUT_S = 30
# Where a driver or dialect is called otherwise than the package that brings it.
DRIVERS = {"MySQLdb": "mysqlclient", "psycopg2": "psycopg2-binary"}
DIALECTS = {
    "bigquery": "sqlalchemy-bigquery",
    "clickhouse": "clickhouse-connect",
    "databricks": "databricks-sqlalchemy",
    "duckdb": "duckdb-engine",
    "redshift": "sqlalchemy-redshift",
    "snowflake": "snowflake-sqlalchemy",
    "trino": "trino",
}

DRAINING = ("mysql", "mariadb")  # whose drivers would read what is left, to roll back: ended instead

KNOWN = ("sqlite", "postgresql", "mysql", "mariadb", "oracle", "mssql", *DIALECTS)


class Query:
    """A query that has been executed; iterating streams its rows, in any one thread.

    Nothing is written by it: SQLite's and DuckDB's files are opened so, PostgreSQL's transaction is READ
    ONLY, and any other is rolled back.
    """

    def __init__(self, url: str, query: str, place: str = "rows", since: Since | None = None) -> None:
        """Connect and execute; raises ConfigError, naming what of a pipeline holds the two."""
        self._engine = _engine(_parsed(url, place), place)
        try:
            self._connection = self._engine.connect()
        except (SQLAlchemyError, ValueError, TypeError) as error:  # options that the driver does not take
            raise ConfigError(f"{place}.url: {shown(url)} cannot be opened: {reason(error)}") from None
        try:
            if since:
                dialect = self._engine.dialect
                column = dialect.identifier_preparer.quote(since.column)
                query = above(query, column, since.mark.literal(quoting(dialect)))
            self._result = _configured(self._connection).exec_driver_sql(query)
            if not self._result.returns_rows:
                raise ConfigError(f"{place}.query: gives no rows: write a SELECT")
            self.columns = list(self._result.keys())
            self._first = self._result.fetchone()
        except SQLAlchemyError as error:
            self.close()
            raise ConfigError(f"{place}.query: {reason(error)}") from None
        except ConfigError:
            self.close()
            raise

    def __iter__(self) -> Iterator[Any]:
        row, ahead = self._first, MAX_BUFFERED_ROWS
        while row is not None:
            if (size := size_of(row)) > LARGE_ROW_BYTES and (fewer := max(1, BUFFERED_BYTES // size)) < ahead:
                ahead = fewer
                self._result.yield_per(ahead)
            yield row
            row = self._result.fetchone()

    def first_rows(self) -> list[Any]:
        """Give the rows that are there already."""
        return [] if self._first is None else [self._first]

    def interrupt(self) -> None:
        """End, from another thread, what the database is doing; its driver may not be able to."""
        with suppress(Exception):  # it may have been closed meanwhile
            driver: Any = self._connection.connection.driver_connection
            end = getattr(driver, "interrupt", None) or getattr(driver, "cancel", None)
            if end is not None:
                end()

    def close(self) -> None:
        """Let the connection go; what it was doing is rolled back."""
        with suppress(SQLAlchemyError):  # a lost one cannot be rolled back
            if self._connection.dialect.name in DRAINING:
                self._connection.invalidate()
            self._connection.close()
        self._engine.dispose()


def size_of(row: Any) -> int:
    """Say how large a row's texts and bytes are, which is what makes rows large."""
    return sum(len(value) for value in row if isinstance(value, str | bytes))


def shown(url: str) -> str:
    """Write a URL without its password and options."""
    return _parsed(url).set(query={}).render_as_string(hide_password=True)


def duckdb_file(url: str) -> Path | None:
    """Give the file of a DuckDB URL; None for another database. Raises ConfigError for what is no URL."""
    parsed = _parsed(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "duckdb" else None


def reason(error: Exception) -> str:
    """Say in one line what a database's driver said; of a value that it refused its kind alone.

    The line reaches Prefect's states, and a driver quotes what it refuses: a part of a row.
    """
    cause = getattr(error, "orig", None) or error
    said = str(cause).strip()
    return type(cause).__name__ if isinstance(error, DataError) or not said else said.splitlines()[0]


def _parsed(url: str, place: str = "rows") -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(
            f"{place}.url: not a database's URL, such as sqlite:///tickets.db or postgresql://user@host/name"
        ) from None
    if parsed.drivername == "postgres":
        raise ConfigError(f"{place}.url: write postgresql:// where it says postgres://")
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _engine(url: URL, place: str) -> Engine:
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return _sqlite(url, place)
    is_duckdb = url.get_backend_name() == "duckdb"
    file = _existing(url, place) if is_duckdb else Path()  # which its driver would make
    options = {}
    if url.drivername == "postgresql+psycopg":
        options = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "docmill"}
        if "client_encoding" not in url.query:  # of a database without an encoding the driver gives bytes
            options["client_encoding"] = "utf8"
    try:
        if is_duckdb:
            return duckdb_engine(url, file, place)
        engine = create_engine(url, poolclass=NullPool, connect_args=options)
    except ModuleNotFoundError as error:
        raise ConfigError(f"{place}.url: {_install(error.name or url.get_driver_name())}") from None
    except NoSuchModuleError:
        name = url.get_backend_name()
        said = _install(name) if name in DIALECTS else f"{name!r} is no database{meant(name, KNOWN)}"
        raise ConfigError(f"{place}.url: {said}") from None
    except (ArgumentError, TypeError, ValueError) as error:
        raise ConfigError(f"{place}.url: {reason(error)}") from None
    if engine.dialect.is_async:
        raise ConfigError(f"{place}.url: {url.drivername} is asynchronous: name another driver")
    return engine


def _install(module: str) -> str:
    package = (DRIVERS | DIALECTS).get(module, module)
    return f"{module!r} is not installed: install the package {package} where docmill is"


def _sqlite(url: URL, place: str) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise ConfigError(f"{place}.url: a SQLite database in memory has no tables: name a file")
    file = _existing(url, place)

    def connect() -> sqlite3.Connection:
        # The thread that connects is not the one that reads; only one of them does at a time.
        opened = sqlite3.connect(
            f"{file.as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False
        )
        # A text that is not UTF-8 fails its row alone, once it is looked at.
        opened.text_factory = lambda text: text.decode(errors="surrogateescape")
        return opened

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def _existing(url: URL, place: str) -> Path:
    file = Path(url.database or "").absolute()
    if not os.path.isfile(file):  # noqa: PTH113 - where it may not be seen, Path.is_file raises
        raise ConfigError(f"{place}.url: there is no file {url.database!r} below {Path.cwd()}")
    return file


def _configured(connection: Connection) -> Connection:
    # Without parameters a driver takes % and : in a query as they are.
    options: dict[str, Any] = {"no_parameters": True, "stream_results": True}
    if connection.dialect.name == "postgresql":
        from docmill.tasks.sources import postgresql

        connection.execution_options(postgresql_readonly=True)
        for name, value in postgresql.SETTINGS.items():
            connection.exec_driver_sql(f"SET LOCAL {name} TO '{value}'")
        if connection.dialect.driver == "psycopg":
            driver: Any = connection.connection.driver_connection
            postgresql.adapt(driver)
    return connection.execution_options(max_row_buffer=MAX_BUFFERED_ROWS, **options)
