"""DuckDB as a results database: what its SQL lacks of PostgreSQL's, of which its dialect is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from sqlalchemy import URL, Double, Engine, Text, create_engine, event
from sqlalchemy.dialects.postgresql.base import PGCompiler
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, MetaData
from sqlalchemy.sql.compiler import DDLCompiler

from docmill.schemas.errors import ConfigError
from docmill.tasks.sinks.column_types import DUCKDB_DECIMAL, Exact
from docmill.tasks.sinks.encoding import dumps
from docmill.tasks.sinks.tables import DECISIONS, METADATA

NUMBERS = "docmill__decision_numbers"
RESERVED = frozenset({"at", "by", "before", "after", "within", "on"})
LOCKED = "Could not set lock on file"


_ALONE = Lock()


class _Compiler(PGCompiler):
    def for_update_clause(self, select: Any, **_: Any) -> str:  # noqa: ARG002
        """Hold nothing: one process writes at a time, and what it changed meanwhile is a conflict."""
        return ""


def duckdb_engine(url: URL) -> Engine:
    """Make the engine of a DuckDB file; raises ConfigError where its packages are missing."""
    try:
        engine = create_engine(url, json_serializer=dumps)
    except ImportError:
        raise ConfigError("into: needs duckdb and duckdb-engine: pip install 'docmill[duckdb]'") from None
    dialect: Any = engine.dialect
    preparer = dialect.identifier_preparer
    preparer.reserved_words = preparer.reserved_words | RESERVED
    dialect.statement_compiler = _Compiler
    return engine


def locked(said: str) -> str | None:
    """Say what to do about a file that another process has open; None of any other error."""
    if LOCKED not in said:
        return None
    return (
        "another process has the DuckDB file open, and it takes one at a time, readers too. Wait until that "
        "one has ended, or let runs write to SQLite or PostgreSQL and export from there"
    )


@contextmanager
def alone(engine: Engine) -> Iterator[None]:
    """Let one transaction after the other read and then write, as its snapshots would let two pass."""
    if engine.dialect.name != "duckdb":
        yield
        return
    with _ALONE:  # no other process has the file open
        yield


@event.listens_for(METADATA, "before_create")
def _sequence(_: MetaData, connection: Any, **__: Any) -> None:
    if connection.dialect.name == "duckdb":
        connection.exec_driver_sql(f"CREATE SEQUENCE IF NOT EXISTS {NUMBERS}")


@compiles(CreateColumn, "duckdb")
def _column(element: CreateColumn, compiler: DDLCompiler, **options: Any) -> str | None:
    """Number decisions by a sequence: DuckDB has no SERIAL."""
    if element.element is DECISIONS.c.id:
        return f"id BIGINT NOT NULL DEFAULT nextval('{NUMBERS}')"
    written: str | None = compiler.visit_create_column(element, **options)  # type: ignore[no-untyped-call]
    return written


@compiles(Text, "duckdb")
def _text(*_: Any, **__: Any) -> str:
    return "VARCHAR"


@compiles(Double, "duckdb")
def _double(*_: Any, **__: Any) -> str:
    return "DOUBLE"


@compiles(Exact, "duckdb")
def _exact(*_: Any, **__: Any) -> str:
    return DUCKDB_DECIMAL
