"""What a run has come to so far: its counts, and how far it is."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.flows.observe.progress import RunProgress
from docmill.schemas.document import Unread
from docmill.schemas.outcome import STATUSES, Outcome
from tests.support.outcomes import OUTCOMES
from tests.support.outcomes import numbered as outcome


def gathered(
    *outcomes: Outcome, unchanged: int = 0, limit: int | None = None, expected: int | None = None
) -> RunProgress:
    progress = RunProgress(limit)
    progress.expected = expected
    for each in outcomes:
        progress.add(each)
    for _ in range(unchanged):
        progress.add_unchanged()
    return progress


@given(st.lists(OUTCOMES, max_size=30), st.integers(0, 3))
def test_every_outcome_is_counted(outcomes: list[Outcome], unchanged: int):
    taken_up = [each for each in outcomes if each.status != "unchanged"]
    progress = gathered(*taken_up, unchanged=unchanged)
    counts: Counter[str] = Counter(each.status for each in taken_up)
    counts["unchanged"] = unchanged
    listed = [f"{counts[status]} {status}" for status in STATUSES if counts[status]]
    assert progress.counted() == ": ".join([str(counts.total()), *([", ".join(listed)] if listed else [])])


@given(st.lists(OUTCOMES, max_size=30))
def test_the_costs_add_up(outcomes: list[Outcome]):
    costs = [each.cost_usd for each in outcomes]
    known = [cost for cost in costs if cost is not None]
    assert gathered(*outcomes).total.cost_usd == (pytest.approx(sum(known)) if known == costs else None)


def test_a_document_that_was_read_and_has_no_outcome_does_not_add_up():
    progress = gathered(outcome(1), unchanged=2)
    progress.documents_in += 1
    assert progress.adds_up()
    progress.documents_in += 1
    assert not progress.adds_up()


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
    done = (outcome(number) for number in range(taken))
    progress = gathered(*done, unchanged=unchanged, limit=limit, expected=expected)
    assert progress.percent() == percent


@pytest.mark.parametrize(("expected", "limit"), [(None, None), (0, None), (3, 10)])
def test_a_run_with_nothing_left_is_at_100(expected: int | None, limit: int | None):
    progress = gathered(outcome(), limit=limit, expected=expected)
    progress.whole = True
    assert progress.percent() == 100


def test_the_counts_are_told_of_how_many():
    progress = gathered(outcome(1), outcome(2, "failed"), unchanged=9_000, expected=12_000)
    assert progress.counted() == "9,002 of 12,000: 1 done, 9,000 unchanged, 1 failed"


def test_those_done_in_part_are_counted():
    unread = (Unread(part="page 3", why="w"),)
    parts = (
        outcome(1, unread=unread),
        outcome(2, unread=()),
        outcome(3),
        outcome(4, "review", unread=unread),
    )
    assert gathered(*parts).done_in_part == 1
