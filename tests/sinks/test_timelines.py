"""What runs did by their time is kept in the results database, and is no part of an earlier version's."""

from datetime import UTC, datetime

from sqlalchemy import text

from docmill.schemas.pipeline import Into
from docmill.schemas.timeline import Timeline
from docmill.tasks.sinks.database import engine_of
from docmill.tasks.sinks.results import Results

STARTED = datetime(2026, 11, 27, tzinfo=UTC)
FIRST = Timeline(slot_s=1, calls=(1,), refused=(0,), tokens=(10,), usd=(0.5,), held_back={"tokens": 0.25})
LATER = Timeline(slot_s=2, calls=(1, 4), refused=(0, 1), tokens=(10, 40), usd=(0.5, 2.0))


def test_what_is_kept_later_takes_the_place_of_what_was(database: str):
    timelines = Results.open(Into(url=database), "p", {}).timelines
    timelines.keep("r1", STARTED, FIRST)
    assert timelines.of_run("r1") == FIRST
    timelines.keep("r1", STARTED, LATER)
    timelines.keep("r2", STARTED, FIRST)
    assert (timelines.of_run("r1"), timelines.of_run("r2")) == (LATER, FIRST)


def test_an_earlier_versions_database_has_none_and_gains_the_table(database: str):
    earlier = Results.open(Into(url=database), "p", {})
    with engine_of(database).begin() as connection:
        connection.execute(text("drop table docmill__timelines"))
    assert earlier.timelines.of_run("r1") is None
    timelines = Results.open(Into(url=database), "p", {}).timelines
    assert timelines.of_run("r1") is None
    timelines.keep("r1", STARTED, FIRST)
    assert timelines.of_run("r1") == FIRST
