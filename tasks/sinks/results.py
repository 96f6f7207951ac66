"""The results: outcomes, typed rows and runs, written as documents end and read by the reports."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import Column, Connection, Engine, Select, Table, delete, select, update
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.errors import ConfigError, NoResults, StorageError
from docmill.schemas.outcome import GOOD, Outcome, Run
from docmill.schemas.pipeline import Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.sinks import typed
from docmill.tasks.sinks.crashed_run import totals_of
from docmill.tasks.sinks.database import (
    changing_tables,
    engine_of,
    failing,
    inode,
    reason,
    require_folder,
    shown,
    sqlite_file,
)
from docmill.tasks.sinks.evaluations import Evaluations
from docmill.tasks.sinks.history import History, put
from docmill.tasks.sinks.keys import type_in
from docmill.tasks.sinks.of_models import add_models
from docmill.tasks.sinks.rows import Row, chunks, outcome_row, run_row
from docmill.tasks.sinks.spending import Spending
from docmill.tasks.sinks.tables import OUTCOMES, RUNS
from docmill.tasks.sinks.timelines import Timelines
from docmill.tasks.sinks.typed_rows import Filled, fill, filled, replace_rows
from docmill.tasks.sinks.unheld import unheld
from docmill.tasks.sinks.upgrade import present, upgrade
from docmill.tasks.sinks.work_tables import WORK


class Results:
    """One pipeline's part of a results database; its methods block, and one thread writes.

    Raises StorageError where the database no longer does what it is told.
    """

    def __init__(self, engine: Engine, into: Into, pipeline: str, tables: Mapping[str, Table]) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._tables = tables  # by the schemas' names as declared
        self._own: dict[str, Column[Any]] = {}  # every typed table of this pipeline's, with its key column
        self._new: list[Table] = []  # typed tables that this run has made
        self._file = sqlite_file(into.url)
        self._inode: int | None = None  # of that file, once it is open for writing
        self._columns: dict[Table, Sequence[Column[Any]]] = {}  # where an earlier version's is read alone
        self.several_models = False  # whether a run asks more than one: what each came to is kept
        self.url = shown(into.url)
        self.history = History(engine, pipeline, self.url)
        self.evaluations = Evaluations(engine, pipeline, self.url)
        self.spending = Spending(engine, pipeline, self.url)
        self.timelines = Timelines(engine, self.url)

    @classmethod
    def open(cls, into: Into, pipeline: str, schemas: Mapping[str, ToolSchema]) -> Self:
        """Open the database for writing and make the tables that it lacks; raises ConfigError.

        Waits for the rows' first key where that decides the type of a column.
        """
        require_folder(into.url)
        engine = engine_of(into.url)
        key = type_in(into, engine.dialect.name) if schemas else None
        tables = {name: typed.declared(pipeline, into, schema, key) for name, schema in schemas.items()}
        results = cls(engine, into, pipeline, tables)
        with results._opening(), changing_tables(engine) as connection:
            upgrade(connection)
            declared = {table.name: table for table in tables.values() if key}.values()
            results._new += [each for each in declared if typed.ensure(connection, pipeline, each)]
            results._own = typed.owned(connection, pipeline)
        results.mark_opened()
        return results

    @classmethod
    def read(cls, into: Into, pipeline: str) -> Self:
        """Open the database for reading alone; raises ConfigError where there are no results yet."""
        results = cls(engine_of(into.url), into, pipeline, {})
        nothing = f"{results.url} holds no results of {pipeline}: `docmill run` it first"
        if results._file and not results._file.exists():
            raise NoResults(nothing)
        with results._opening(), results._engine.connect() as connection:
            results._columns = {table: present(connection, table) for table in (OUTCOMES, RUNS)}
        if results._columns[OUTCOMES] and results.last_run() is not None:
            return results
        raise NoResults(nothing)

    def mark_opened(self) -> None:
        """Remember which file is written to: SQLite goes on writing into one that lost its name."""
        self._inode = inode(self._file) if self._file else None

    def close(self) -> None:
        """Let the connections go."""
        self._engine.dispose()

    def begin(self, run: Run) -> None:
        """Write the row of a run that begins; a typed table that was given another name is filled."""
        with self._writing() as connection:
            connection.execute(RUNS.insert().values(run_row(run)))
            if self._new and len(self._tables) == 1:
                self._fill(connection, self._new[0], run.pipeline_sha256)

    def end(self, run: Run, error: Exception | None = None) -> None:  # noqa: ARG002  a shard's row tells it
        """Write what a run has come to."""
        with self._writing() as connection:
            connection.execute(update(RUNS).where(RUNS.c.run_id == run.run_id).values(run_row(run)))
            self._ended(connection, run)

    def _ended(self, _: Connection, run: Run) -> None:
        """Write what else a run's end changes, in the same transaction."""

    def running(self) -> list[tuple[str, str | None, int]]:
        """List the runs of the pipeline whose rows say that they go on, with their flow runs and shards."""
        going_on = RUNS.c.pipeline == self._pipeline, RUNS.c.state == "running"
        query = select(RUNS.c.run_id, RUNS.c.flow_run_id, RUNS.c.shards).where(*going_on)
        return [(row[0], row[1], row[2]) for row in self._rows(query)]

    def fail(self, run_id: str) -> None:
        """Write of a run that died that it failed, and what it had come to."""
        with self._writing() as connection:
            ended = {**totals_of(connection, run_id), "state": "failed", "ended_at": datetime.now(UTC)}
            connection.execute(update(RUNS).where(RUNS.c.run_id == run_id).values(ended))
            connection.execute(delete(WORK).where(WORK.c.run_id == run_id))

    def unchanged(self, hashes: Mapping[str, str], pipeline_sha256: str) -> set[str]:
        """Tell which of the documents (by id, with the hash of their content) need not be done again."""
        columns = OUTCOMES.c.document_id, OUTCOMES.c.content_sha256
        query = select(*columns).where(
            OUTCOMES.c.pipeline == self._pipeline,
            OUTCOMES.c.document_id.in_(hashes),
            OUTCOMES.c.status.in_(GOOD),
            OUTCOMES.c.pipeline_sha256 == pipeline_sha256,
        )
        return {row[0] for row in self._rows(query) if row[1] == hashes[row[0]]}

    def write(self, outcomes: Sequence[Outcome], run_id: str, pipeline_sha256: str) -> None:
        """Write outcomes with their typed rows, all in one transaction, durable when it returns."""
        common = {"pipeline": self._pipeline, "pipeline_sha256": pipeline_sha256, "run_id": run_id}
        now = datetime.now(UTC)
        with self._writing() as connection:
            current = sorted(self._current(connection, outcomes), key=lambda each: each.document_id)
            rows = [{**outcome_row(outcome), **common, "updated_at": now} for outcome in current]
            put(connection, self._pipeline, rows, now)
            done = [outcome for outcome in current if outcome.status == "done"]
            replace_rows(connection, self._tables, self._own, done, run_id)
            self._stored(connection, rows, outcomes)
            if self.several_models:
                add_models(connection, run_id, outcomes)

    def _stored(self, connection: Connection, rows: Sequence[Row], outcomes: Sequence[Outcome] = ()) -> None:
        """Write what else follows from outcomes: those stored as rows, and all that were to be."""

    def _current(self, _: Connection, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Choose the outcomes that may take the place of what is stored."""
        return outcomes

    def unheld(self, outcome: Outcome) -> str | None:
        """Say which property of a document no column holds; None where all of it can be written."""
        return unheld(self._engine.dialect.name, self._tables, outcome.typed)

    def filled(self, run_id: str) -> list[Filled]:
        """Count the rows of the typed tables that this run has written to."""
        with self._failing(), self._engine.connect() as connection:
            made = [table for table in self._tables.values() if table.name in self._own]
            return filled(connection, made, run_id)

    def document_ids(self) -> list[str]:
        """List every document that has an outcome."""
        own = OUTCOMES.c.pipeline == self._pipeline
        return [row[0] for row in self._rows(select(OUTCOMES.c.document_id).where(own))]

    def outcomes_of(self, choose: Callable[[list[str]], list[str]]) -> Iterator[Row]:
        """Give the outcomes' rows of those documents that are chosen of all ids, in no order."""
        for some in chunks(choose(self.document_ids())):
            for row in self._rows(self._outcomes(None).where(OUTCOMES.c.document_id.in_(some))):
                yield row._mapping

    def outcomes(self, statuses: Iterable[str] = (), run_id: str | None = None) -> Iterator[Row]:
        """Give the outcomes' rows by document_id: of these statuses, and of this run, where given."""
        query = self._outcomes(run_id).order_by(OUTCOMES.c.document_id)
        if wanted := list(statuses):
            query = query.where(OUTCOMES.c.status.in_(wanted))
        for row in self._rows(query):
            yield row._mapping

    def highest(self, column: str, count: int, run_id: str) -> list[Row]:
        """Give the outcomes of a run that have most in a column, such as seconds or cost_usd, of 0 none."""
        value = OUTCOMES.c[column]
        query = self._outcomes(run_id).where(value > 0).order_by(value.desc()).limit(count)
        return [row._mapping for row in self._rows(query)]

    def last_run(self) -> Row | None:
        """Give the row of the pipeline's last run."""
        query = self._select(RUNS).where(RUNS.c.pipeline == self._pipeline)
        return self._one(query.order_by(RUNS.c.started_at.desc()).limit(1))

    def run(self, run_id: str) -> Row | None:
        """Give the row of one run of the pipeline."""
        return self._one(self._select(RUNS).where(RUNS.c.run_id == run_id, RUNS.c.pipeline == self._pipeline))

    def _one(self, query: Select[Any]) -> Row | None:
        row = next(self._rows(query), None)
        return row._mapping if row is not None else None

    def _select(self, table: Table) -> Select[Any]:
        return select(*self._columns.get(table, table.columns))

    def _outcomes(self, run_id: str | None) -> Select[Any]:
        query = self._select(OUTCOMES).where(OUTCOMES.c.pipeline == self._pipeline)
        return query if run_id is None else query.where(OUTCOMES.c.run_id == run_id)

    def _fill(self, connection: Connection, table: Table, pipeline_sha256: str) -> None:
        """Copy the records that are done into the pipeline's one table: their documents are unchanged."""
        query = self._outcomes(None).where(
            OUTCOMES.c.status == "done",
            OUTCOMES.c.pipeline_sha256 == pipeline_sha256,
            OUTCOMES.c.record.is_not(None),
        )
        fill(connection, table, self._own[table.name], connection.execute(query).all())

    def _rows(self, query: Any) -> Iterator[Any]:
        with self._failing(), self._engine.connect() as connection:
            yield from connection.execution_options(reading=True, yield_per=500).execute(query)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._failing(), self._engine.begin() as connection:
            yield connection
        if self._file is not None and inode(self._file) != self._inode:
            raise StorageError(  # SQLite goes on writing into a file that no longer has a name
                f"the results database {self.url} is gone: its file was removed or replaced. Run again: "
                "what was paid for is in the cache"
            )

    def _failing(self) -> AbstractContextManager[None]:
        return failing(self.url, "run again: nothing was marked done that is not stored")

    @contextmanager
    def _opening(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, ValueError, TypeError) as error:  # options that its driver does not take
            raise ConfigError(f"into: the database {self.url} cannot be opened: {reason(error)}") from None
