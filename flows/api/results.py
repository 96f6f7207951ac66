"""A results database read as objects, without Prefect and without a pipeline's file."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, get_args

from sqlalchemy import Connection, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.errors import ConfigError, StorageError
from docmill.schemas.outcome import Outcome, Status
from docmill.tasks.checks.spelling import meant
from docmill.tasks.sinks.database import engine_of, reason, shown, sqlite_file
from docmill.tasks.sinks.reflection import reflected_table
from docmill.tasks.sinks.tables import OUTCOMES, TYPED
from docmill.tasks.sinks.typed_reading import KEY_COLUMNS
from docmill.tasks.sinks.upgrade import present


class StoredOutcome(Outcome):
    """What became of one document of a pipeline: its row of docmill_outcomes. Times are UTC.

    `gone_at` is since when the source lists it no longer, where the pipeline has that marked.
    """

    pipeline: str
    pipeline_sha256: str
    run_id: str
    updated_at: datetime
    gone_at: datetime | None = None


class Stored:
    """A results database that is open for reading; `close` or a `with` block lets its connections go."""

    def __init__(self, url: str) -> None:
        self.url = shown(url)
        file = sqlite_file(url)
        if file is not None and not file.is_file():
            raise ConfigError(f"there is no results database {self.url}: `docmill run` a pipeline into it")
        self._engine = engine_of(url)
        try:
            with self._engine.connect() as connection:
                if not inspect(connection).has_table(OUTCOMES.name):
                    raise ConfigError(f"{self.url} holds no results: `docmill run` a pipeline into it")
        except ConfigError:
            self.close()
            raise
        except (SQLAlchemyError, ValueError, TypeError) as error:  # options that its driver does not take
            self.close()
            raise ConfigError(f"the database {self.url} cannot be opened: {reason(error)}") from None

    def outcomes(self, pipeline: str | None = None, status: Status | None = None) -> Iterator[StoredOutcome]:
        """Give the documents' outcomes by pipeline and document_id: of one pipeline, of one status.

        Raises ConfigError for a status that there is not, StorageError where the database fails.
        """
        if status is not None and status not in get_args(Status):
            raise ConfigError(f"status: there is no {status!r}{meant(status, get_args(Status))}")
        with self._reading() as connection:
            # An earlier version's table lacks columns that have come since: theirs are the defaults.
            query = select(*present(connection, OUTCOMES))
            for column, wanted in ((OUTCOMES.c.pipeline, pipeline), (OUTCOMES.c.status, status)):
                if wanted is not None:
                    query = query.where(column == wanted)
            for row in connection.execute(query.order_by(OUTCOMES.c.pipeline, OUTCOMES.c.document_id)):
                told = dict(row._mapping)
                for name in ("updated_at", "reviewed_at", "gone_at"):
                    if (at := told.get(name)) and at.tzinfo is None:  # SQLite keeps no zone
                        told[name] = at.replace(tzinfo=UTC)
                yield StoredOutcome.model_validate(told)

    def rows(self, pipeline: str, schema: str) -> Iterator[dict[str, Any]]:
        """Give the rows of a typed table: the records of a pipeline's documents that are done.

        Each has the document's id, content_sha256, run_id and the schema's top-level properties, dates
        as `datetime.date`, absent ones as None. `schema` is the file's stem; where `into` names the
        pipeline's one table it is that.

        Raises ConfigError where there is no such table, StorageError where the database fails.
        """
        with self._reading() as connection:
            table = reflected_table(connection, _table_name(connection, pipeline, schema))
            by = list(table.columns)[:KEY_COLUMNS]
            for row in connection.execute(select(table).order_by(*by)):
                yield dict(row._mapping)

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()

    def __enter__(self) -> "Stored":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection.execution_options(reading=True, yield_per=500)
        except SQLAlchemyError as error:
            raise StorageError(f"the results database {self.url} failed: {reason(error)}") from None


def results(url: str) -> Stored:
    """Open a results database for reading: a SQLAlchemy URL, as `into` has it.

    `outcomes(pipeline=…, status=…)` gives what became of the documents, `rows(pipeline, schema)` the
    typed rows; both are read as they are asked for. Nothing is written.

    Raises ConfigError where the database cannot be opened or holds no results.

    >>> with docmill.results("sqlite:///results.db") as stored:
    ...     for outcome in stored.outcomes(pipeline="letters", status="done"):
    ...         print(outcome.document_id, outcome.label)
    ...     [row["total"] for row in stored.rows("letters", "bill")]
    in/a.txt invoice
    [318.4]
    """
    return Stored(url)


def _table_name(connection: Connection, pipeline: str, schema: str) -> str:
    query = select(TYPED.c.name).where(TYPED.c.pipeline == pipeline).order_by(TYPED.c.name)
    names = list(connection.execute(query).scalars())
    usual = f"{pipeline}__{schema}".replace("-", "_")
    for name in (usual, schema):
        if name in names:
            return name
    known = f"there are {', '.join(names)}" if names else "it has no typed table"
    raise ConfigError(f"the pipeline {pipeline} has no table of {schema}: {known}")
