"""The thresholds of `alert`: which of them a run has passed."""

from datetime import UTC, datetime

import pytest

from docmill.flows.observe.alerts import passed
from docmill.schemas.alert import Alert
from docmill.schemas.outcome import Run, bad_share

RUN = Run(
    run_id="r",
    pipeline="p",
    pipeline_sha256="s",
    endpoint="e",
    model="m",
    started_at=datetime.now(UTC),
    documents_in=10,
    counts={"done": 4, "review": 2, "invalid": 1, "failed": 2, "deferred": 1},
    cost_usd=1.5,
)


@pytest.mark.parametrize(
    ("alert", "names"),
    [
        (Alert(cost_usd=1.5, review=0.2, bad=0.3, deferred=0.1), []),
        (Alert(cost_usd=1.4), ["cost_usd"]),
        (Alert(review=0.19), ["review"]),
        (Alert(bad=0.29, deferred=0), ["bad", "deferred"]),
        (None, []),
    ],
    ids=["what is reached is not passed", "cost", "review", "two", "none declared"],
)
def test_what_is_above_is_passed(alert: Alert | None, names: list[str]):
    assert [each.name for each in passed(alert, RUN)] == names


@pytest.mark.parametrize("bad", [7, 14, 28, 29, 55, 57, 58])
def test_a_share_that_is_reached_is_not_passed(bad: int):
    """In floats 0.29 of 100 is less than 29."""
    assert bad_share(100, {"failed": bad}) == float(f"0.{bad:02}")


def test_a_cost_that_is_not_known_passes_none():
    assert passed(Alert(cost_usd=0), RUN.model_copy(update={"cost_usd": None})) == []


def test_a_run_without_documents_passes_no_share():
    assert passed(Alert(bad=0), RUN.model_copy(update={"documents_in": 0, "counts": {}})) == []
