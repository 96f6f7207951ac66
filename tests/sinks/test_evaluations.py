"""Evaluations are kept beside the results, also in a database of an earlier version."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import inspect, text

from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import Run
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.database import engine_of
from docmill.tasks.sinks.results import Results
from tests.support.outcomes import numbered


def opened(url: str, pipeline: str = "p", run_id: str = "r") -> Results:
    results = Results.open(Into(url=url), pipeline, {})
    common: dict[str, Any] = {"pipeline_sha256": "s", "endpoint": "e", "model": "m"}
    results.begin(Run(run_id=run_id, pipeline=pipeline, started_at=datetime.now(UTC), **common))
    return results


def test_the_last_that_was_accepted_is_given(database: str):
    results = opened(database)
    assert results.evaluations.accepted() is None
    for number, accepted in enumerate((False, True, True, False)):
        results.evaluations.keep(f"r{number}", "t.csv", {"n": number, "ä": [None]}, accepted=accepted)
    row = results.evaluations.accepted()
    assert row is not None
    assert (row["run_id"], row["labels"], row["figures"]) == ("r2", "t.csv", {"n": 2, "ä": [None]})
    results.close()


def test_the_last_of_a_run_is_given(database: str):
    results = opened(database)
    for number in range(3):
        results.evaluations.keep("r", "t.csv", {"n": number}, accepted=False)
    row = results.evaluations.of_run("r")
    assert row is not None
    assert row["figures"] == {"n": 2}
    assert results.evaluations.of_run("s") is None
    results.close()


def test_another_pipelines_are_not_given(database: str):
    first, second = opened(database), opened(database, "q", "s")
    first.evaluations.keep("r", "t.csv", {}, accepted=True)
    assert second.evaluations.accepted() is None
    assert second.evaluations.of_run("r") is None
    first.close()
    second.close()


def test_a_database_of_an_earlier_version_has_none_and_takes_one(database: str):
    opened(database).close()
    engine = engine_of(database)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE docmill_evaluations"))
    results = Results.read(Into(url=database), "p")
    assert results.evaluations.accepted() is None
    assert not inspect(engine).has_table("docmill_evaluations")
    results.evaluations.keep("r", "t.csv", {"n": 1}, accepted=True)
    row = results.evaluations.accepted()
    assert row is not None
    assert row["figures"] == {"n": 1}
    results.close()
    engine.dispose()


def test_outcomes_are_chosen_by_their_ids_however_many(database: str):
    results = opened(database)
    results.write([numbered(number) for number in range(1200)], "r", "s")
    chosen = [f"d{number}" for number in range(0, 1200, 2)]
    seen: list[str] = []

    def choose(ids: list[str]) -> list[str]:
        seen.extend(ids)
        return [each for each in ids if each in chosen]

    assert sorted(row["document_id"] for row in results.outcomes_of(choose)) == sorted(chosen)
    assert len(seen) == 1200
    assert [*results.outcomes_of(lambda ids: [])] == []
    results.close()


def test_a_database_that_is_lost_is_told(database: str):
    results = opened(database)
    with engine_of(database).begin() as connection:
        connection.execute(text("DROP TABLE docmill_evaluations"))
        connection.execute(text("CREATE TABLE docmill_evaluations (n integer)"))
    with pytest.raises(StorageError, match="Put that right, then try again"):
        results.evaluations.keep("r", "t.csv", {}, accepted=True)
    results.close()
