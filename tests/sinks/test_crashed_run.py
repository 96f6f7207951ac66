"""A run whose process died: its row is filled from the outcomes that name it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from docmill.schemas.budget import Budget
from docmill.schemas.outcome import Run
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.alive import keep_so_far
from docmill.tasks.sinks.results import Results
from tests.support.outcomes import numbered

RUN = Run(
    run_id="r", pipeline="p", pipeline_sha256="s", endpoint="e", model="m", started_at=datetime.now(UTC)
)


@pytest.fixture
def results(database: str) -> Results:
    """Give results in which a run goes on."""
    results = Results.open(Into(url=database), "p", {})
    results.begin(RUN)
    return results


def failed(results: Results) -> dict[str, object]:
    results.fail("r")
    row = results.run("r")
    assert row is not None
    names = ("state", "documents_in", "done", "failed", "unchanged", "calls", "cost_usd", "cost_estimated")
    return {name: row[name] for name in names if row[name] not in (0, None, False)}


def test_it_has_the_counts_and_the_costs_of_its_outcomes(results: Results):
    dear = numbered(1, calls=2, prompt_tokens=7, cost_usd=0.5, cost_estimated=True)
    results.write([dear, numbered(2, "failed", calls=1, cost_usd=0.25)], "r", "s")
    results.write([numbered(3, calls=9, cost_usd=9.0)], "another", "s")
    known = {"documents_in": 2, "done": 1, "failed": 1, "calls": 3, "cost_usd": 0.75, "cost_estimated": True}
    assert failed(results) == {"state": "failed", **known}


def test_a_cost_that_one_lacks_is_not_known(results: Results):
    results.write([numbered(1, cost_usd=None), numbered(2, cost_usd=1.0)], "r", "s")
    assert failed(results) == {"state": "failed", "documents_in": 2, "done": 2}


def test_what_its_row_knew_stays_where_later_runs_have_done_the_same_documents(results: Results):
    knew = {"documents_in": 9, "counts": {"done": 2, "unchanged": 5}, "calls": 6, "cost_usd": 1.5}
    keep_so_far(results, RUN.model_copy(update=knew))
    results.write([numbered(1, calls=3, cost_usd=0.5)], "r", "s")
    came = {"documents_in": 7, "done": 2, "unchanged": 5, "calls": 6, "cost_usd": 1.5}
    assert failed(results) == {"state": "failed", **came}


def test_what_it_passed_over_is_counted_too(results: Results):
    knew = {"documents_in": 6, "counts": {"unchanged": 5}}
    keep_so_far(results, RUN.model_copy(update=knew))
    results.write([numbered(1, calls=3, cost_usd=0.5)], "r", "s")
    came = {"documents_in": 6, "done": 1, "unchanged": 5, "calls": 3, "cost_usd": 0.5}
    assert failed(results) == {"state": "failed", **came}


def test_a_row_that_has_ended_is_not_written_over(results: Results):
    results.end(RUN.model_copy(update={"state": "complete", "calls": 4}))
    keep_so_far(results, RUN)
    row = results.run("r")
    assert row is not None
    assert (row["state"], row["calls"]) == ("complete", 4)


def test_the_day_of_a_budget_counts_what_it_spent(results: Results):
    results.write([numbered(1, cost_usd=0.5)], "r", "s")
    results.fail("r")
    budget = Budget(run_usd=None, day_usd=Decimal(1))
    balance = results.spending.move("later", budget, RUN.started_at.date(), [], [])
    assert balance.day.spent == 500_000_000
