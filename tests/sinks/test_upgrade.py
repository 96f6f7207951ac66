"""A results database of an earlier version gains the columns that have come since, or is read as it is."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

import docmill
from docmill.schemas.outcome import Run
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.database import engine_of
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.examples import Reviews
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.tables import DECISIONS, OUTCOMES, RUNS
from tests.support.outcomes import numbered

LEFT = Path(__file__).parents[1] / "support" / "d9003e3" / "results.sql"
NEW = {"cached_tokens", "reasoning_tokens"}
NEW_OF_OUTCOMES = NEW | {"unread", "recognized", "missing", "broken_rules", "reviewed_at", "model"}


def begun() -> Run:
    now = datetime.now(UTC)
    return Run(run_id="r", pipeline="p", pipeline_sha256="s", endpoint="e", model="m", started_at=now)


def columns(engine: Engine, table: str) -> set[str]:
    return {column["name"] for column in inspect(engine).get_columns(table)}


def test_missing_columns_are_added_with_their_defaults(database: str):
    results = Results.open(Into(url=database), "p", {})
    results.begin(begun())
    results.write([numbered(1)], "r", "s")
    results.close()
    engine = engine_of(database)
    with engine.begin() as connection:
        for table in (OUTCOMES, RUNS):
            for column in NEW_OF_OUTCOMES if table is OUTCOMES else NEW:
                connection.execute(text(f"ALTER TABLE {table.name} DROP COLUMN {column}"))
    assert not NEW & columns(engine, "docmill_runs")
    assert not NEW_OF_OUTCOMES & columns(engine, "docmill_outcomes")
    for _ in range(2):  # the second time nothing is left to add
        Results.open(Into(url=database), "p", {}).close()
        for table in (OUTCOMES, RUNS):
            assert columns(engine, table.name) == {column.name for column in table.columns}
    engine.dispose()
    results = Results.read(Into(url=database), "p")
    row, [outcome] = results.last_run(), results.outcomes()
    results.close()
    assert row is not None
    assert (outcome["unread"], outcome["missing"]) == (None, None)  # an earlier version could not tell
    assert (row["cached_tokens"], row["reasoning_tokens"]) == (0, 0)


def test_an_earlier_versions_outcome_is_decided_once_its_database_has_gained_the_decisions(database: str):
    results = Results.open(Into(url=database), "p", {})
    results.begin(begun())
    results.write([numbered(1, "review")], "r", "s")
    results.close()
    engine = engine_of(database)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE docmill_decisions"))
        connection.execute(text("ALTER TABLE docmill_outcomes DROP COLUMN reviewed_at"))
    reopened = ReviewedResults.reopen(Into(url=database), "p", {})
    assert (reopened.waiting("r").of_run, list(reopened.every_decision())) == (1, [])
    assert columns(engine, "docmill_decisions") == {column.name for column in DECISIONS.columns}
    reopened.close()
    engine.dispose()


@pytest.mark.parametrize("lacking", ["docmill_decisions", "docmill_outcomes"])
def test_in_a_database_that_lacks_a_table_nothing_was_reviewed(lacking: str, database: str):
    results = Results.open(Into(url=database), "p", {})
    results.begin(begun())
    results.close()
    engine = engine_of(database)
    with engine.begin() as connection:
        connection.execute(text(f"DROP TABLE {lacking}"))
        reviews = Reviews(connection, "p")
        assert (reviews.documents(), reviews.labels("classify"), reviews.chosen()) == ([], {}, [])
    engine.dispose()


def test_in_a_database_without_decisions_nothing_was_decided(database: str):
    results = Results.open(Into(url=database), "p", {})
    results.begin(begun())
    results.close()
    engine = engine_of(database)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE docmill_decisions"))
    engine.dispose()
    read = ReviewedResults.read(Into(url=database), "p")
    assert list(read.every_decision()) == []
    read.close()


def test_what_an_earlier_version_left_is_read_as_it_stands(tmp_path: Path):
    file = tmp_path / "results.db"
    connection = sqlite3.connect(file)
    connection.executescript(LEFT.read_text())
    [(pipeline,)] = connection.execute("select distinct pipeline from docmill_runs").fetchall()
    connection.close()
    results = Results.read(Into(url=f"sqlite:///{file}"), pipeline)
    assert results.last_run() is not None
    assert [*results.outcomes()]
    assert all(NEW_OF_OUTCOMES.isdisjoint(row) for row in results.outcomes())
    results.close()
    with docmill.results(f"sqlite:///{file}") as stored:
        found = [*stored.outcomes(pipeline)]
    assert found
    assert all((each.unread, each.cached_tokens) == (None, 0) for each in found)
