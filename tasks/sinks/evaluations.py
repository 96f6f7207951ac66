"""How right a pipeline's results were, kept beside them: a row a run, and those that were accepted."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, inspect, select

from docmill.tasks.sinks.database import changing_tables, failing
from docmill.tasks.sinks.tables import EVALUATIONS

Row = Mapping[str, Any]


class Evaluations:
    """One pipeline's rows of docmill_evaluations; a database of an earlier version has none yet.

    Raises StorageError where the database does not do what it is told.
    """

    def __init__(self, engine: Engine, pipeline: str, url: str) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._url = url

    def keep(self, run_id: str, labels: str, figures: Mapping[str, Any], *, accepted: bool) -> None:
        """Add an evaluation of what a run has left."""
        row = {"pipeline": self._pipeline, "run_id": run_id, "at": datetime.now(UTC), "labels": labels}
        with failing(self._url), changing_tables(self._engine) as connection:
            EVALUATIONS.create(connection, checkfirst=True)
            connection.execute(EVALUATIONS.insert().values({**row, "accepted": accepted, "figures": figures}))

    def accepted(self) -> Row | None:
        """Give the one that was accepted last."""
        return self._last(EVALUATIONS.c.accepted)

    def of_run(self, run_id: str) -> Row | None:
        """Give the last one of a run."""
        return self._last(EVALUATIONS.c.run_id == run_id)

    def _last(self, condition: Any) -> Row | None:
        query = select(EVALUATIONS).where(EVALUATIONS.c.pipeline == self._pipeline, condition)
        with failing(self._url), self._engine.connect() as connection:
            reading = connection.execution_options(reading=True)
            if not inspect(reading).has_table(EVALUATIONS.name):
                return None
            row = reading.execute(query.order_by(EVALUATIONS.c.at.desc()).limit(1)).one_or_none()
        return dict(row._mapping) if row is not None else None
