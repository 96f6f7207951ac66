"""The runs of a results database, of one pipeline or of all: read without its pipelines' files."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.errors import ConfigError
from docmill.tasks.sinks.database import engine_of, reason, shown, sqlite_file
from docmill.tasks.sinks.of_models import by_model
from docmill.tasks.sinks.rows import Row
from docmill.tasks.sinks.tables import OUTCOMES, RUNS
from docmill.tasks.sinks.upgrade import present


class StoredRuns(NamedTuple):
    """The runs, the newest first; by pipeline how many documents wait for a person or are in quarantine."""

    rows: list[Row]
    waiting: dict[str, int]
    quarantined: dict[str, int]


def stored_runs(url: str, pipeline: str | None = None, *, of_models: bool = False) -> StoredRuns:
    """Read the runs of a pipeline, or of all.

    Those that ask several models are given once for each where `of_models` says so. Raises ConfigError
    where there is no such database, or no run in it.
    """
    file, engine = sqlite_file(url), engine_of(url)
    try:
        if file is not None and not file.is_file():
            raise ConfigError(f"there is no results database {shown(url)}: `docmill run` a pipeline into it")
        with engine.connect() as connection:
            reading = connection.execution_options(reading=True)
            held = _counted(reading, pipeline, OUTCOMES.c.status == "quarantined")
            rows = runs_of(reading, pipeline)
            rows = list(by_model(reading, rows)) if of_models else rows
            found = StoredRuns(rows, _waiting(reading, pipeline), held)
    except (SQLAlchemyError, ValueError, TypeError) as error:  # options that its driver does not take
        raise ConfigError(f"the database {shown(url)} cannot be opened: {reason(error)}") from None
    finally:
        engine.dispose()
    if not found.rows:
        of = f" of {pipeline}" if pipeline else ""
        raise ConfigError(f"{shown(url)} holds no runs{of}: `docmill run` it first")
    return found


def runs_of(connection: Connection, pipeline: str | None) -> list[Row]:
    """Give the rows of docmill_runs, the newest first; times are UTC."""
    columns = present(connection, RUNS)
    if not columns:
        return []
    query = select(*columns).order_by(RUNS.c.started_at.desc())
    query = query if pipeline is None else query.where(RUNS.c.pipeline == pipeline)
    return [
        {name: _zoned(value) for name, value in row.items()} for row in connection.execute(query).mappings()
    ]


def _zoned(value: Any) -> Any:
    """Say that a time is UTC, which SQLite does not keep."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def _waiting(connection: Connection, pipeline: str | None) -> dict[str, int]:
    waits = [OUTCOMES.c.status == "review"]
    if OUTCOMES.c.reviewed_at in present(connection, OUTCOMES):
        waits.append(OUTCOMES.c.reviewed_at.is_(None))
    return _counted(connection, pipeline, *waits)


def _counted(
    connection: Connection, pipeline: str | None, *conditions: ColumnElement[bool]
) -> dict[str, int]:
    """Count outcomes by pipeline."""
    if not present(connection, OUTCOMES):
        return {}
    query = select(OUTCOMES.c.pipeline, func.count()).where(*conditions)
    query = query if pipeline is None else query.where(OUTCOMES.c.pipeline == pipeline)
    found = connection.execute(query.group_by(OUTCOMES.c.pipeline).order_by(OUTCOMES.c.pipeline))
    return {row[0]: row[1] for row in found}
