"""What runs did by slots of their time, kept beside the results: a row a run."""

import math
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, inspect, select

from docmill.schemas.timeline import Timeline, together
from docmill.tasks.sinks.database import failing
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
        with failing(self._url), self._engine.begin() as connection:
            upsert(connection, TIMELINES, [{**row, "held_back": dict(timeline.held_back)}])

    def of_run(self, run_id: str) -> Timeline | None:
        """Give what is kept of a run, of all its shards together."""
        with failing(self._url), self._engine.connect() as connection:
            reading = connection.execution_options(reading=True)
            if not inspect(reading).has_table(TIMELINES.name):
                return None
            rows = reading.execute(_of_run(run_id)).all()
        rows = [
            row for row in rows if row.run_id != run_id
        ] or rows  # where shards work, the run itself waits
        begun = min((row.started for row in rows), default=None)
        kept = [((row.started - begun).total_seconds(), _timeline(row)) for row in rows]
        return together(kept) if kept else None


def spent_since(connection: Connection, run_id: str, moment: datetime) -> float:
    """Add up the USD of a run's slots that ended after a moment, of all its shards, as far as it is kept."""
    usd = 0.0
    for row in connection.execute(_of_run(run_id)):
        before = (moment - row.started.replace(tzinfo=row.started.tzinfo or UTC)).total_seconds()
        usd += sum(row.series["usd"][max(0, math.floor(before / row.slot_s)) :])
    return usd


def _of_run(run_id: str) -> Select[Any]:
    parts = TIMELINES.c.run_id.startswith(f"{run_id}/", autoescape=True)
    return select(TIMELINES).where((TIMELINES.c.run_id == run_id) | parts)


def _timeline(row: Any) -> Timeline:
    return Timeline(slot_s=row.slot_s, held_back=row.held_back, **row.series)
