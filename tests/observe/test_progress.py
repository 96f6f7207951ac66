"""What a run has told so far: its counts, how far it is, and the documents worth a line."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.flows.observe.progress import MOST, MOST_LISTED, Tidings
from docmill.schemas.outcome import NOT_DONE, STATUSES, Outcome, StepOutcome

OUTCOMES = st.builds(
    Outcome,
    document_id=st.text(max_size=3),
    uri=st.just("u"),
    content_sha256=st.none(),
    status=st.sampled_from(STATUSES),
    seconds=st.floats(0, 10),
    cost_usd=st.none() | st.floats(0, 10),
)


def outcome(number: int = 0, status: Any = "done", **changes: Any) -> Outcome:
    return Outcome(document_id=f"d{number}", uri="u", content_sha256=None, status=status, **changes)


def gathered(*outcomes: Outcome, limit: int | None = None, expected: int | None = None) -> Tidings:
    tidings = Tidings(limit)
    tidings.expected = expected
    for each in outcomes:
        tidings.take(each)
    return tidings


@given(st.lists(OUTCOMES, max_size=30))
def test_the_slowest_and_the_dearest_are_the_first_when_sorted(outcomes: list[Outcome]):
    tidings = gathered(*outcomes)
    seconds = sorted((each.seconds for each in outcomes if each.seconds), reverse=True)
    costs = sorted((each.cost_usd for each in outcomes if each.cost_usd), reverse=True)
    assert [each.seconds for each in tidings.slowest()] == seconds[:MOST]
    assert [each.cost_usd for each in tidings.dearest()] == costs[:MOST]


@given(st.lists(OUTCOMES, max_size=30), st.integers(0, 3))
def test_every_outcome_is_counted_and_each_that_is_not_done_is_kept(outcomes: list[Outcome], unchanged: int):
    tidings = gathered(*outcomes)
    tidings.unchanged = unchanged
    bad = [each.document_id for each in outcomes if each.status in NOT_DONE]
    assert [each.document_id for each in tidings.not_done] == bad
    assert tidings.unlisted() == 0
    counts: Counter[str] = Counter(each.status for each in outcomes if each.status != "unchanged")
    counts["unchanged"] = unchanged
    listed = [f"{counts[status]} {status}" for status in STATUSES if counts[status]]
    assert tidings.told() == ": ".join([str(counts.total()), *([", ".join(listed)] if listed else [])])


def test_so_many_are_kept_and_the_others_counted():
    tidings = gathered(*(outcome(number, "failed") for number in range(MOST_LISTED + 7)), outcome())
    assert len(tidings.not_done) == MOST_LISTED
    assert tidings.unlisted() == 7


def test_what_is_kept_holds_nothing_that_the_model_wrote():
    step = StepOutcome(status="done", sha256="", output="MARKER")
    written: dict[str, Any] = {
        "summary": "MARKER",
        "record": {"name": "MARKER"},
        "steps": {"summarize": step},
    }
    written |= {"label": "MARKER", "typed": {"thing": {"name": "MARKER"}}, "error": "MARKER"}
    written |= {"evidence": [{"quote": "MARKER"}]}
    tidings = gathered(outcome(1, "review", seconds=1.0, cost_usd=1.0, **written))
    for [kept] in (tidings.not_done, tidings.slowest(), tidings.dearest()):
        assert "MARKER" not in repr(kept)


@pytest.mark.parametrize(
    ("taken", "unchanged", "expected", "limit", "percent"),
    [
        (0, 0, None, None, 0),  # the source is not counted yet
        (3, 0, None, None, 0),
        (0, 0, 0, None, 0),
        (1, 0, 4, None, 25),
        (1, 2, 4, None, 75),
        (0, 4, 4, None, 100),
        (4, 4, 4, None, 100),  # documents that came after the counting
        (1, 9, 100, 4, 25),  # what is passed on the way is no part of a limit
        (5, 0, None, 4, 100),
    ],
)
def test_the_percentage_is_of_what_the_run_will_take_up(
    taken: int, unchanged: int, expected: int | None, limit: int | None, percent: float
):
    tidings = gathered(*(outcome(number) for number in range(taken)), limit=limit, expected=expected)
    tidings.unchanged = unchanged
    assert tidings.percent() == percent


@pytest.mark.parametrize(("expected", "limit"), [(None, None), (0, None), (3, 10)])
def test_a_run_with_nothing_left_is_at_100(expected: int | None, limit: int | None):
    tidings = gathered(outcome(), limit=limit, expected=expected)
    tidings.whole = True
    assert tidings.percent() == 100


def test_the_counts_are_told_of_how_many():
    tidings = gathered(outcome(1), outcome(2, "failed"), expected=12_000)
    tidings.unchanged = 9_000
    assert tidings.told() == "9,002 of 12,000: 1 done, 9,000 unchanged, 1 failed"
