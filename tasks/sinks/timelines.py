"""What runs did by slots of their time, kept beside the results: a row a run."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.errors import StorageError
from docmill.schemas.timeline import Timeline
from docmill.tasks.sinks.database import reason
from docmill.tasks.sinks.rows import upsert
from docmill.tasks.sinks.tables import TIMELINES


class Timelines:
    """The rows of docmill__timelines; a database of an earlier version has none yet.

    Raises StorageError where the database does not do what it is told.
    """

    def __init__(self, engine: Engine, url: str) -> None:
        self._engine = engine
        self._url = url

    def keep(self, run_id: str, started: datetime, timeline: Timeline) -> None:
        """Put a run's timeline in the place of what is kept of it."""
        series = timeline.model_dump(exclude={"slot_s", "held_back"})
        row = {"run_id": run_id, "started": started, "slot_s": timeline.slot_s, "series": series}
        with self._failing(), self._engine.begin() as connection:
            upsert(connection, TIMELINES, [{**row, "held_back": dict(timeline.held_back)}])

    def of_run(self, run_id: str) -> Timeline | None:
        """Give what is kept of a run."""
        query = select(TIMELINES).where(TIMELINES.c.run_id == run_id)
        with self._failing(), self._engine.connect() as connection:
            reading = connection.execution_options(reading=True)
            if not inspect(reading).has_table(TIMELINES.name):
                return None
            row = reading.execute(query).one_or_none()
        return None if row is None else Timeline(slot_s=row.slot_s, held_back=row.held_back, **row.series)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise StorageError(
                f"the results database {self._url} failed: {reason(error)}. Put that right, then try again"
            ) from None
