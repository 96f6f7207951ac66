"""Two evaluations side by side: what has changed, and how much of it may be chance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.flows.evaluate import bootstrap
from docmill.flows.evaluate.difference import Difference, difference
from docmill.flows.evaluate.evaluation import Evaluation
from docmill.flows.evaluate.gate import NOTHING_ACCEPTED, below, points, verdict, worse
from docmill.flows.evaluate.scores import Cell, Judgement, Score
from docmill.schemas.evaluate import Evaluate

COUNT = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda each: (min(each), max(each)))
COUNTS = st.tuples(COUNT, COUNT).map(lambda each: (*each[0], *each[1]))


def judgement(document: str, label: str | None = "a", status: str = "done", **wrong: str) -> Judgement:
    """Judge a document that has the label a and the field n, which is x."""
    good = status in ("done", "review")
    fault = tuple(Cell(path=name, field=name, wanted="x", got=got) for name, got in wrong.items())
    score = Score(right=int(good and not fault), wrong=int(good and bool(fault)), missing=int(not good))
    return Judgement(
        document=document,
        status=status,
        label=Cell(path="label", field="label", wanted="a", got=label if good else None),
        fields={"n": score},
        faults=fault if good else (),
    )


def evaluated(*judgements: Judgement, labels: str = "") -> Evaluation:
    return Evaluation.of(judgements, labels)


def compared(before: list[Judgement], after: list[Judgement]) -> Difference:
    return difference(evaluated(*before), evaluated(*after))


def test_values_that_got_better_and_worse_are_told_with_both():
    found = compared(
        [judgement("1", n="y"), judgement("2"), judgement("3", n="y"), judgement("4", "b")],
        [judgement("1"), judgement("2", n="z"), judgement("3", n="z"), judgement("4")],
    )
    assert [each.model_dump() for each in found.better] == [
        {"document": "1", "path": "n", "wanted": "x", "before": "y", "after": "x"},
        {"document": "4", "path": "label", "wanted": "a", "before": "b", "after": "a"},
    ]
    assert [each.model_dump() for each in found.worse] == [
        {"document": "2", "path": "n", "wanted": "x", "before": "x", "after": "z"}
    ]


def test_an_answer_that_is_gone_is_worse():
    before = [judgement("1"), judgement("2", status="failed")]
    found = compared(before, [judgement("1", status="invalid"), judgement("2")])
    assert [(each.path, each.before, each.after) for each in found.worse] == [("answer", "done", "invalid")]
    assert [(each.path, each.before, each.after) for each in found.better] == [("answer", "failed", "done")]


def test_only_documents_that_are_in_both_are_compared():
    found = compared([judgement("1"), judgement("2", "b")], [judgement("1"), judgement("3", "b")])
    assert found.documents == 1
    assert {each.name: each.difference for each in found.figures} == {
        "answered": 0.0, "label": 0.0, "all fields": 0.0, "field n": 0.0
    }  # fmt: skip


def test_a_difference_has_an_interval_that_is_the_same_every_time():
    before = [judgement(str(number), "b" if number % 2 else "a") for number in range(100)]
    after = [judgement(str(number), "b" if number % 4 == 1 else "a") for number in range(100)]
    [figure] = [each for each in compared(before, after).figures if each.name == "label"]
    assert figure.difference == 0.25
    assert figure.low is not None
    assert figure.high is not None
    assert 0.15 < figure.low < 0.25 < figure.high < 0.35
    assert compared(before, after) == compared(before, after)


@pytest.mark.slow
def test_few_documents_have_a_wide_interval_and_many_a_narrow_one():
    def width(many: int) -> float:
        found = bootstrap.interval([(0, 1, 1, 1), (1, 1, 0, 1), (1, 1, 1, 1), (0, 1, 1, 1)] * many)
        assert found is not None
        return found[1] - found[0]

    assert width(2) > 2 * width(50) > 0
    assert width(5000) < width(50)


@given(st.lists(COUNTS, min_size=1, max_size=8))
def test_an_interval_is_known_where_the_difference_is(documents: list[tuple[int, int, int, int]]):
    found, share = bootstrap.interval(documents), bootstrap.difference(documents)
    assert (found is None) == (share is None)
    if found is not None:
        assert -1 <= found[0] <= found[1] <= 1


def test_what_did_not_change_has_no_width():
    assert bootstrap.interval([(1, 2, 1, 2), (0, 1, 0, 1)]) == (0.0, 0.0)
    assert bootstrap.interval([]) is None
    assert bootstrap.interval([(0, 0, 1, 1)]) is None


def test_a_line_is_given_for_each_figure_that_is_too_low():
    found = evaluated(judgement("1", "b"), judgement("2", n="y"), judgement("3", status="failed"))
    assert [*below(found, 0.6, 0.6)] == [
        "labels: 50 % right (1 of 2), below min_label 0.6",
        "field n: 50 % right (1 of 2), below min_field 0.6",
    ]
    assert [*below(found, 0.5, 0.5)] == [*below(found, None, None)] == []
    assert [*below(evaluated(judgement("1", status="failed")), 0.1, None)] == [
        "labels: none has an answer, 1 missing, below min_label 0.1"
    ]


def test_no_worse_than_accepted_needs_something_accepted():
    assert [*worse(None)] == [NOTHING_ACCEPTED]
    assert "--accept" in NOTHING_ACCEPTED


def test_labels_fields_and_answers_may_not_fall():
    found = compared(
        [judgement("1"), judgement("2"), judgement("3")],
        [judgement("1", "b"), judgement("2", n="y"), judgement("3", status="failed")],
    )
    first, second, third = worse(found)
    assert first.startswith("answered: 66.7 % after 100 % (-33.3 [")
    assert second.startswith("label: 50 % after 100 % (-50.0 [")
    assert third.startswith("all fields: 50 % after 100 % (-50.0 [")
    assert all(each.endswith("] points), worse than accepted") for each in (first, second, third))


def test_what_got_better_or_stayed_is_no_reason():
    assert [*worse(compared([judgement("1", "b"), judgement("2")], [judgement("1"), judgement("2")]))] == []


def test_nothing_in_common_with_what_was_accepted_is_a_reason():
    [reason] = worse(compared([judgement("1")], [judgement("2")]))
    assert "accept anew" in reason


def two_fields(number: int, first: int, second: int) -> Judgement:
    """Judge a document of two fields, each right or not."""
    fields = {"m": Score(right=first, wrong=1 - first), "n": Score(right=second, wrong=1 - second)}
    return Judgement(document=str(number), status="done", fields=fields)


def test_one_field_may_fall_where_that_can_be_chance_alone():
    before = [two_fields(number, int(number > 40), 1) for number in range(100)]
    little = [two_fields(number, 1, int(number > 0)) for number in range(100)]
    much = [two_fields(number, 1, int(number > 19)) for number in range(100)]
    assert [*worse(compared(before, little))] == []
    [reason] = worse(compared(before, much))
    assert reason.startswith("field n: 80 % after 100 % (-20.0 [")


def test_a_verdict_says_what_was_asked_and_does_not_hold():
    found = evaluated(judgement("1", "b"), judgement("2"))
    asked = Evaluate(labels="t.csv", min_label=0.9, no_worse_than="accepted")
    judged = verdict(asked, "t.csv", found, None)
    assert (judged.documents, judged.answered, judged.label, judged.fields) == (2, 2, 0.5, {"n": 1.0})
    assert judged.reasons == ("labels: 50 % right (1 of 2), below min_label 0.9", NOTHING_ACCEPTED)
    assert verdict(Evaluate(labels="t.csv"), "t.csv", found, None).reasons == ()


def test_points_are_written_with_their_interval():
    [figure] = [each for each in compared([judgement("1")], [judgement("1")]).figures if each.name == "label"]
    assert points(figure) == "+0.0 [+0.0, +0.0]"


def test_other_labels_are_noticed():
    assert difference(evaluated(labels="x"), evaluated(labels="y")).other_labels
    assert not difference(evaluated(labels="x"), evaluated(labels="x")).other_labels
