"""What outcomes were before they changed, in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from docmill.schemas.outcome import Outcome, StepOutcome
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.history import History
from docmill.tasks.sinks.needs import Needs, drop_history, take_needs
from docmill.tasks.sinks.tables import HISTORY, OUTCOMES
from tests.support.outcomes import numbered

RECORD = {"name": "Ä", "count": 3.0, "of": [{"n": 1}]}


@pytest.fixture
def results(database: str) -> Iterator[ReviewedResults]:
    opened = ReviewedResults.open(Into(url=database), "p", {})
    yield opened
    opened.close()


def earlier(database: str, document_id: str = "d0") -> list[dict[str, Any]]:
    engine = create_engine(database)
    *before, now = (dict(row) for row in History(engine, "p", database).forms(document_id))
    engine.dispose()
    assert "replaced_at" not in now
    return before


def test_an_outcome_that_changes_keeps_its_earlier_form(results: ReviewedResults, database: str):
    step = StepOutcome(status="done", sha256="s", output="a", keys=("k1",))
    results.write([numbered(record=RECORD, label="a", steps={"classify": step}), numbered(1)], "r1", "s1")
    before = next(results.outcomes())
    results.write([numbered(record=RECORD, label="b")], "r2", "s1")
    [was] = earlier(database)
    replaced_at = was.pop("replaced_at")
    assert was == dict(before)
    assert replaced_at is not None
    assert next(results.outcomes())["label"] == "b"
    assert earlier(database, "d1") == []


CHANGES: dict[str, tuple[Outcome, str]] = {
    "content": (numbered(label="a", record=RECORD).model_copy(update={"content_sha256": "c"}), "s1"),
    "pipeline": (numbered(label="a", record=RECORD), "s2"),
    "status": (numbered(status="review", label="a", record=RECORD), "s1"),
    "record": (numbered(label="a", record={**RECORD, "count": 4}), "s1"),
    "no record": (numbered(label="a"), "s1"),
    "summary": (numbered(label="a", record=RECORD, summary="x"), "s1"),
    "error": (numbered(label="a", record=RECORD, error="x"), "s1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_person_would_see_makes_it_another_form(results: ReviewedResults, database: str, change: str):
    results.write([numbered(label="a", record=RECORD)], "r1", "s1")
    after, pipeline_sha256 = CHANGES[change]
    results.write([after], "r2", pipeline_sha256)
    assert len(earlier(database)) == 1


def test_an_outcome_that_is_the_same_has_no_history(results: ReviewedResults, database: str):
    same: dict[str, Any] = {"label": "a", "record": RECORD}
    results.write([numbered(**same)], "r1", "s1")
    results.write([numbered(**same, cost_usd=3.0, seconds=9.0, attempts=2)], "r2", "s1")
    assert earlier(database) == []


def test_what_a_decision_changes_keeps_its_earlier_form(results: ReviewedResults, database: str):
    results.write([numbered(status="review", record=RECORD, error="open: name")], "r1", "s1")
    now = datetime.now(UTC)
    with results.deciding() as transaction:
        transaction.change("d0", {"status": "done", "error": None, "reviewed_at": now})
    with results.deciding() as transaction:
        transaction.change("d0", {"updated_at": now})
    [was] = earlier(database)
    assert (was["status"], was["error"], was["record"]) == ("review", "open: name", RECORD)


def test_a_batch_that_fails_leaves_no_history(results: ReviewedResults, database: str):
    results.write([numbered(label="a")], "r1", "s1")
    nobody: Any = None
    with pytest.raises(Exception, match="failed"):
        results.write([numbered(label="b")], nobody, "s1")
    assert earlier(database) == []


def test_forms_come_oldest_first(results: ReviewedResults, database: str):
    for label in "abc":
        results.write([numbered(label=label)], "r1", "s1")
    assert [was["label"] for was in earlier(database)] == ["a", "b"]


def test_the_history_has_the_columns_of_the_outcomes():
    assert [column.name for column in HISTORY.columns] == [*(c.name for c in OUTCOMES.columns), "replaced_at"]


def test_a_database_of_an_earlier_version_has_no_history_until_a_run(results: ReviewedResults, database: str):
    results.write([numbered(label="a")], "r1", "s1")
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("drop table docmill_history"))
    engine.dispose()
    assert earlier(database) == []
    again = ReviewedResults.open(Into(url=database), "p", {})
    again.write([numbered(label="b")], "r2", "s1")
    again.close()
    assert [was["label"] for was in earlier(database)] == ["a"]


def test_a_database_tells_what_its_outcomes_need(results: ReviewedResults, database: str):
    def made(*keys: str) -> dict[str, StepOutcome]:
        return {"s": StepOutcome(status="done", sha256="s", keys=tuple(key * 64 for key in keys))}

    results.write([numbered(0, steps=made("a")), numbered(1, steps=made("b"))], "r1", "s1")
    results.write([numbered(0, label="x", steps=made("c")), numbered(1, status="deferred")], "r2", "s1")
    needs = Needs()
    take_needs(needs, database, has_outcomes=True)
    assert [needs.has(key * 64) for key in "abcd"] == [False, True, True, False]
    assert needs.unknown_until == 0
    results.write([numbered(2, steps={"s": StepOutcome(status="done", sha256="s")})], "r2", "s1")
    take_needs(needs, database, has_outcomes=True)
    assert needs.unknown_until == pytest.approx(datetime.now(UTC).timestamp(), abs=60)


def test_earlier_forms_are_removed_by_the_time_they_were_replaced(results: ReviewedResults, database: str):
    for label in "abc":
        results.write([numbered(label=label)], "r1", "s1")
    now = datetime.now(UTC)
    assert drop_history(database, now - timedelta(days=1), dry_run=False) == 0
    assert drop_history(database, now, dry_run=True) == 2
    assert drop_history(database, now, dry_run=False) == 2
    assert earlier(database) == []


def test_the_documents_in_review_of_one_run_are_told_from_all(results: ReviewedResults):
    results.write([numbered(status="review")], "r1", "s1")
    results.write([numbered(1, status="review")], "r2", "s1")
    assert [len(results.waiting_rows(run_id)) for run_id in ("r1", "r2", None)] == [1, 1, 2]
    assert results.waiting_rows("r2")[0]["document_id"] == "d1"
