"""How far the column `since` of a pipeline's rows was read, by runs after which nothing was left to do."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.errors import ConfigError
from docmill.schemas.mark import Mark
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.database import engine_of, reason, shown, sqlite_file
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.rows import upsert
from docmill.tasks.sinks.tables import MARKS
from docmill.tasks.sinks.upgrade import present


def kept(into: Into, pipeline: str, source_sha256: str, pipeline_sha256: str) -> Mark | None:
    """Give a pipeline's mark; None where there is none of this source and these steps.

    Raises ConfigError where the database cannot be opened. Nothing is written.
    """
    file = sqlite_file(into.url)
    if file is not None and not file.exists():
        return None
    engine = engine_of(into.url)
    try:
        row = _row(engine, pipeline)
    except (SQLAlchemyError, ValueError, TypeError) as error:
        raise ConfigError(f"into: the database {shown(into.url)} cannot be opened: {reason(error)}") from None
    finally:
        engine.dispose()
    if row is None or (row.source_sha256, row.pipeline_sha256) != (source_sha256, pipeline_sha256):
        return None
    return Mark.model_validate(row.mark)


def keep(results: Results, run_id: str, mark: Mark, source_sha256: str, pipeline_sha256: str) -> None:
    """Put a mark in the place of the pipeline's earlier one; raises StorageError."""
    row = {
        "pipeline": results._pipeline,
        "source_sha256": source_sha256,
        "pipeline_sha256": pipeline_sha256,
        "run_id": run_id,
        "mark": mark.model_dump(),
        "at": datetime.now(UTC),
    }
    with results._writing() as connection:
        upsert(connection, MARKS, [row])


def _row(engine: Engine, pipeline: str) -> Any:
    with engine.connect() as connection:
        reading = connection.execution_options(reading=True)
        if not present(reading, MARKS):
            return None
        return reading.execute(select(MARKS).where(MARKS.c.pipeline == pipeline)).one_or_none()
