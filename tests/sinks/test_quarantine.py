"""What is invalid, refused or failed in three runs in a row is in quarantine, until something changes."""

from datetime import UTC, datetime

import pytest

from docmill.schemas.outcome import Outcome, Run, Status
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.quarantine import QuarantiningResults


@pytest.fixture
def results(database: str) -> QuarantiningResults:
    """Give the results of a pipeline, of which there are none yet."""
    return QuarantiningResults.open(Into(url=database), "p", {})


def ran(results: QuarantiningResults, *, digest: str = "c", sha256: str = "s", **statuses: Status) -> None:
    """Write a run in which documents came to these statuses."""
    results._any = None
    run_id = f"r{datetime.now(UTC).timestamp()}"
    counts = {each: list(statuses.values()).count(each) for each in statuses.values()}
    run = Run(
        run_id=run_id,
        pipeline="p",
        pipeline_sha256=sha256,
        endpoint="e",
        model="m",
        started_at=datetime.now(UTC),
        counts=counts,
    )
    results.begin(run)
    outcomes = [
        Outcome(document_id=name, uri=name, content_sha256=digest, status=status, error="why")
        for name, status in statuses.items()
        if status != "quarantined"
    ]
    results.write(outcomes, run_id, sha256)
    results.end(run)


def held(results: QuarantiningResults, digest: str | None = "c", sha256: str = "s") -> set[str]:
    """Tell who is in quarantine."""
    results._any = None
    if not results.has_quarantined():
        return set()
    return results.quarantined({"bad": digest, "good": digest}, sha256)


def thrice_failed(results: QuarantiningResults) -> None:
    """Have `bad` fail in three runs in a row, each of which had another document done."""
    for _ in range(3):
        ran(results, bad="failed", good="done")


@pytest.mark.parametrize("status", ["invalid", "refused", "failed"])
def test_three_runs_in_a_row_are_quarantine(results: QuarantiningResults, status: Status):
    for _ in range(2):
        ran(results, bad=status, good="done")
    assert not results.has_quarantined()
    assert held(results) == set()
    ran(results, bad=status, good="done")
    assert held(results) == {"bad"}


def test_a_run_without_a_done_document_does_not_count(results: QuarantiningResults):
    for _ in range(4):
        ran(results, bad="failed", good="review")
    assert held(results) == set()


def test_deferred_neither_adds_nor_clears(results: QuarantiningResults):
    for status in ("failed", "deferred", "invalid", "deferred"):
        ran(results, bad=status, good="done")
    assert held(results) == set()
    ran(results, bad="refused", good="done")
    assert held(results) == {"bad"}


@pytest.mark.parametrize("status", ["done", "review"])
def test_an_answer_clears(results: QuarantiningResults, status: Status):
    for each in ("failed", "failed", status, "failed"):
        ran(results, bad=each, good="done")
    assert held(results) == set()


@pytest.mark.parametrize("changed", [{"digest": "c2"}, {"sha256": "s2"}], ids=["content", "pipeline"])
def test_another_hash_begins_anew(results: QuarantiningResults, changed: dict[str, str]):
    for each in ({}, {}, changed, changed):
        ran(results, bad="failed", good="done", **each)  # type: ignore[arg-type]
    assert held(results, **changed) == set()
    ran(results, bad="failed", good="done", **changed)  # type: ignore[arg-type]
    assert held(results, **changed) == {"bad"}
    assert held(results) == set()


def test_what_has_no_hash_is_quarantined_while_it_has_none(results: QuarantiningResults):
    for _ in range(3):
        ran(results, digest=None, bad="failed", good="done")  # type: ignore[arg-type]
    assert held(results, None) == {"bad"}
    assert held(results, "c") == set()


def test_its_outcome_says_so_once_a_run_has_passed_it_over_and_keeps_its_error(results: QuarantiningResults):
    thrice_failed(results)
    assert results.of_status(["failed"]) == ["bad"]
    ran(results, bad="quarantined", other="done")
    [row] = results.outcomes(["quarantined"])
    assert (row["document_id"], row["error"]) == ("bad", "why")
    assert [each["status"] for each in results.history.forms("bad")] == ["failed", "quarantined"]


def test_what_was_released_and_not_run_is_found_again(results: QuarantiningResults):
    thrice_failed(results)
    ran(results, bad="quarantined", other="done")
    results.release("bad")
    assert results.in_quarantine() == {"bad"}
    ran(results, bad="done")
    assert results.in_quarantine() == set()


def test_what_was_released_by_a_run_that_died_before_it_was_tried_is_found_again(
    results: QuarantiningResults,
):
    """As long as no run has come to an end with it, as one whose shards go on has not."""
    thrice_failed(results)
    results.release("bad")
    assert (held(results), results.in_quarantine()) == (set(), {"bad"})
    ran(results, bad="deferred", good="done")
    assert results.in_quarantine() == {"bad"}


@pytest.mark.parametrize("status", ["done", "review", "failed"])
def test_what_was_released_and_tried_is_in_quarantine_no_more(results: QuarantiningResults, status: Status):
    thrice_failed(results)
    results.release("bad")
    ran(results, bad=status)  # alone: such a run does not count what failed
    assert results.in_quarantine() == set()


def test_what_was_done_by_a_run_that_died_is_in_quarantine_no_more_after_the_next(
    results: QuarantiningResults,
):
    thrice_failed(results)
    results.release("bad")
    results.write([Outcome(document_id="bad", uri="bad", content_sha256="c", status="done")], "died", "s")
    ran(results, good="done")
    assert results.in_quarantine() == set()


def test_what_is_released_has_three_runs_again(results: QuarantiningResults):
    thrice_failed(results)
    assert results.in_quarantine() == {"bad"}
    results.release("bad")
    assert held(results) == set()
    for _ in range(2):
        ran(results, bad="failed", good="done")
    assert held(results) == set()
