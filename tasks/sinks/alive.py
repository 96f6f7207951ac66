"""Which runs of other caches go on: whether a run lives is told by a lock of its own cache alone."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, or_, select, update

from docmill.schemas.outcome import Run
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.rows import run_row
from docmill.tasks.sinks.tables import ALIVE, RUNS

SILENT = timedelta(minutes=15)  # a run that lives writes each minute


def keep_alive(results: Results, run_id: str, cache: str) -> None:
    """Write before a run begins, or is taken up again, which cache tells whether it lives.

    What is kept of ended ones is forgotten.
    """
    ended = select(RUNS.c.run_id).where(RUNS.c.state != "running")
    row = {"run_id": run_id, "cache": cache, "seen_at": datetime.now(UTC)}
    with results._writing() as connection:
        connection.execute(delete(ALIVE).where(or_(ALIVE.c.run_id.in_(ended), ALIVE.c.run_id == run_id)))
        connection.execute(ALIVE.insert().values(row))


def keep_so_far(results: Results, run: Run) -> None:
    """Write what a run has come to until now, and that it lives, unless its row says that it has ended."""
    going_on = RUNS.c.run_id == run.run_id, RUNS.c.state == "running"
    now = {"seen_at": datetime.now(UTC)}
    with results._writing() as connection:
        kept = {name: value for name, value in run_row(run).items() if name != "shards"}  # dealt meanwhile
        connection.execute(update(RUNS).where(*going_on).values(kept))
        connection.execute(update(ALIVE).where(ALIVE.c.run_id == run.run_id).values(now))


def of_other_caches(results: Results, cache: str) -> set[str]:
    """Tell which runs another cache knows of, and have written lately that they live."""
    rows = results._rows(select(ALIVE.c.run_id, ALIVE.c.seen_at).where(ALIVE.c.cache != cache))
    lately = datetime.now(UTC) - SILENT
    return {row.run_id for row in rows if row.seen_at.replace(tzinfo=row.seen_at.tzinfo or UTC) > lately}
