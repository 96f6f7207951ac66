"""The documents that a run's report names: the slowest, the dearest, and those that are not done."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from docmill.flows.observe.highlights import MOST, MOST_LISTED, Highlights
from docmill.schemas.document import Unread
from docmill.schemas.outcome import NOT_DONE, Outcome, StepOutcome
from tests.support.outcomes import OUTCOMES
from tests.support.outcomes import numbered as outcome


def gathered(*outcomes: Outcome) -> Highlights:
    highlights = Highlights()
    for each in outcomes:
        highlights.take(each)
    return highlights


@given(st.lists(OUTCOMES, max_size=30))
def test_the_slowest_and_the_dearest_are_the_first_when_sorted(outcomes: list[Outcome]):
    highlights = gathered(*outcomes)
    seconds = sorted((each.seconds for each in outcomes if each.seconds), reverse=True)
    costs = sorted((each.cost_usd for each in outcomes if each.cost_usd), reverse=True)
    assert [each.seconds for each in highlights.slowest()] == seconds[:MOST]
    assert [each.cost_usd for each in highlights.dearest()] == costs[:MOST]


@given(st.lists(OUTCOMES, max_size=30))
def test_each_that_is_not_done_is_kept(outcomes: list[Outcome]):
    highlights = gathered(*outcomes)
    bad = [each.document_id for each in outcomes if each.status in NOT_DONE]
    assert [each.document_id for each in highlights.not_done] == bad
    assert highlights.unlisted() == 0


def test_so_many_are_kept_and_the_others_counted():
    highlights = gathered(*(outcome(number, "failed") for number in range(MOST_LISTED + 7)), outcome())
    assert len(highlights.not_done) == MOST_LISTED
    assert highlights.unlisted() == 7


def test_what_is_kept_holds_nothing_that_the_model_wrote():
    step = StepOutcome(status="done", sha256="", output="MARKER")
    written: dict[str, Any] = {
        "summary": "MARKER",
        "record": {"name": "MARKER"},
        "steps": {"summarize": step},
    }
    written |= {"label": "MARKER", "typed": {"thing": {"name": "MARKER"}}, "error": "MARKER"}
    written |= {"evidence": [{"quote": "MARKER"}], "unread": [Unread(part="MARKER", why="MARKER")]}
    highlights = gathered(outcome(1, "review", seconds=1.0, cost_usd=1.0, **written))
    for [kept] in (highlights.not_done, highlights.slowest(), highlights.dearest()):
        assert "MARKER" not in repr(kept)
