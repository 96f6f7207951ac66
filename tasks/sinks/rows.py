"""What is known, as rows of the results' tables."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, collate
from sqlalchemy.dialects import postgresql, sqlite

from docmill.schemas.outcome import Outcome, Run, StepOutcome
from docmill.tasks.sinks import duckdb_rows
from docmill.tasks.sinks.tables import OUTCOMES, RUNS

MOST_IN_QUERY = 500  # values: a database takes only so many
T = TypeVar("T")
Row = Mapping[str, Any]


def run_row(run: Run) -> Row:
    """Write a run as its row of docmill_runs."""
    values = run.model_dump(exclude={"counts"})
    values |= run.every_count()
    return {column.name: values[column.name] for column in RUNS.columns}


def outcome_row(outcome: Outcome) -> Row:
    """Write an outcome as its row of docmill_outcomes, but for what it has in common with its run's."""
    values = outcome.model_dump(exclude={"steps"})
    return {**values, "steps": {name: _step(step) for name, step in outcome.steps.items()}}


def _step(step: StepOutcome) -> Row:
    """Write a step; what not every step has stands there only where there is any."""
    seldom = ("doubts", "made", "reply", "rejected", "given", "about")
    absent = {name for name in seldom if not getattr(step, name)}
    return step.model_dump(exclude=absent if step.keys is not None else {*absent, "keys"})


def inserting(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Begin an INSERT that may say what happens where a row is there already."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def holding(connection: Connection, outcomes: Select[Any]) -> Select[Any]:
    """Hold the outcomes that a query chooses until the transaction ends: each in the order of Python's texts.

    Transactions that hold, or write, the same ones in one order wait for each other, and none for ever.
    Other databases than PostgreSQL have one writer at a time.
    """
    if connection.dialect.name != "postgresql":
        return outcomes
    return outcomes.order_by(collate(OUTCOMES.c.document_id, "C")).with_for_update()


def chunks(values: Sequence[T], most: int = MOST_IN_QUERY) -> Iterator[Sequence[T]]:
    """Give values so many at a time as a query may hold."""
    for begin in range(0, len(values), most):
        yield values[begin : begin + most]


def insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that are not there yet."""
    if connection.dialect.name == "duckdb":
        duckdb_rows.insert_rows(connection, table, rows)
        return
    connection.execute(table.insert(), [dict(row) for row in rows])


def upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert the rows, or put them in the place of those with their keys."""
    if connection.dialect.name == "duckdb":
        duckdb_rows.insert_rows(connection, table, rows, replacing=True)
        return
    statement = inserting(connection, table)
    others = {each.key: statement.excluded[each.key] for each in table.columns if not each.primary_key}
    connection.execute(
        statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=others),
        [dict(row) for row in rows],
    )
