"""A document's record beside its label: nested fields, rows aligned best first, precision and recall."""

import time
from typing import Any

import pytest

from docmill.flows.evaluate.evaluation import Evaluation
from docmill.flows.evaluate.fields import of_schema
from docmill.flows.evaluate.judging import Judge
from docmill.flows.evaluate.labels.truth import Truth
from docmill.flows.evaluate.scores import Judgement, Score

LINE = {
    "type": "object",
    "properties": {
        "item": {"type": "string"},
        "quantity": {"type": ["integer", "null"]},
        "amount": {"anyOf": [{"type": "number"}, {"type": "string"}]},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "issued_on": {"type": "string", "format": "date"},
        "currency": {"enum": ["EUR", "USD"]},
        "vendor": {"type": "object", "properties": {"name": {"type": "string"}, "id": {"type": "string"}}},
        "lines": {"type": "array", "items": LINE},
        "tags": {"type": "array", "items": {"type": "string"}},
        "more": {"type": "object"},
    },
}


def line(item: str, amount: float, quantity: int | None = 1) -> dict[str, Any]:
    return {"item": item, "quantity": quantity, "amount": amount}


def judged(wanted: dict[str, Any], record: dict[str, Any] | None, **compare: str) -> Judgement:
    outcome = {"document_id": "d", "status": "done", "label": None, "record": record}
    return Judge(of_schema(SCHEMA), compare).judgement(Truth("d", "f:1", None, wanted), outcome)


def counts(judgement: Judgement) -> dict[str, tuple[int, int, int, int]]:
    """Give for each field what is right, of another value, absent and spurious."""
    return {
        name: (each.right, each.wrong - each.absent - each.spurious, each.absent, each.spurious)
        for name, each in judgement.fields.items()
    }


def test_only_what_the_label_names_is_asked():
    assert counts(judged({"number": "7"}, {"number": "7", "currency": "USD", "lines": [line("a", 1)]})) == {
        "number": (1, 0, 0, 0)
    }


def test_values_are_compared_by_their_type():
    wanted = {"number": "RE 7", "issued_on": "31. Januar 2024", "currency": "EUR"}
    record = {"number": "re  7", "issued_on": "2024-01-31", "currency": "eur"}
    assert counts(judged(wanted, record)) == {
        "number": (1, 0, 0, 0),
        "issued_on": (1, 0, 0, 0),
        "currency": (0, 1, 0, 0),  # of an enum as it is
    }


def test_the_pipeline_says_otherwise_by_field_and_for_all():
    wanted = {"number": "RE 7", "lines": [line("Oak", 1.0)]}
    record = {"number": "re 7", "lines": [line("Oak", 1.2)]}
    judgement = judged(wanted, record, **{"number": "exact", "lines[].amount": "number 0.5"})
    assert counts(judgement)["number"] == (0, 1, 0, 0)
    assert counts(judgement)["lines[].amount"] == (1, 0, 0, 0)
    assert counts(judged(wanted, record, **{"*": "exact"}))["number"] == (0, 1, 0, 0)


def test_properties_of_objects_are_fields_of_their_own():
    judgement = judged({"vendor": {"name": "Ada", "id": "1"}}, {"vendor": {"name": "ADA"}})
    assert counts(judgement) == {"vendor.name": (1, 0, 0, 0), "vendor.id": (0, 0, 1, 0)}
    assert [(each.path, each.wanted, each.got) for each in judgement.faults] == [("vendor.id", "1", None)]


def test_an_object_of_which_nothing_is_declared_is_one_value():
    assert counts(judged({"more": {"a": 1}}, {"more": {"a": 1}})) == {"more": (1, 0, 0, 0)}


def test_null_says_that_nothing_is_wanted():
    assert judged({"number": None}, {"number": None}).fields["number"] == Score(right=1, empty=1)
    assert judged({"number": None}, {}).fields["number"] == Score(right=1, empty=1)
    assert judged({"number": None}, {"number": "7"}).fields["number"] == Score(wrong=1, spurious=1)


def test_a_row_that_is_left_out_is_absent_wherever_it_stood():
    rows = [line("Oak", 1), line("Ash", 2), line("Elm", 3)]
    judgement = judged({"lines": rows}, {"lines": [rows[0], rows[2]]})
    assert counts(judgement) == {f"lines[].{key}": (2, 0, 1, 0) for key in ("item", "quantity", "amount")}
    assert [each.path for each in judgement.faults] == [f"lines[1].{key}" for key in rows[0]]


def test_rows_in_another_order_are_the_same():
    rows = [line("Oak", 1), line("Ash", 2), line("Elm", 3)]
    assert judged({"lines": rows}, {"lines": rows[::-1]}).faults == ()


def test_a_row_with_one_wrong_value_is_wrong_in_that_alone():
    rows = [line("Oak", 1, 5), line("Ash", 2, 5), line("Elm", 3, 5)]
    got = [line("Ash", 2, 5), line("Oak", 9, 5), line("Elm", 3, 5)]
    judgement = judged({"lines": rows}, {"lines": got})
    assert [(each.path, each.wanted, each.got) for each in judgement.faults] == [("lines[0].amount", 1, 9)]


def test_a_row_that_no_label_names_is_spurious():
    rows = [line("Oak", 1, None)]
    judgement = judged({"lines": rows}, {"lines": [*rows, line("Ash", 2, None)]})
    assert counts(judgement) == {
        "lines[].item": (1, 0, 0, 1),
        "lines[].quantity": (1, 0, 0, 0),
        "lines[].amount": (1, 0, 0, 1),
    }
    assert [each.path for each in judgement.faults] == ["lines[+].item", "lines[+].amount"]


def test_an_empty_list_wants_no_row():
    assert counts(judged({"lines": []}, {"lines": [line("Oak", 1, None)]})) == {
        "lines[].item": (0, 0, 0, 1),
        "lines[].amount": (0, 0, 0, 1),
    }
    assert judged({"lines": []}, {}).faults == ()


def test_equal_rows_are_counted_as_often_as_they_stand():
    rows = [line("Oak", 1)] * 3
    assert counts(judged({"lines": rows}, {"lines": rows[:2]}))["lines[].item"] == (2, 0, 1, 0)


def test_items_that_are_no_objects_are_aligned_too():
    assert counts(judged({"tags": ["a", "b", "c"]}, {"tags": ["C", "x", "a"]})) == {"tags[]": (2, 0, 1, 1)}


def test_what_is_no_list_where_one_is_wanted_has_no_rows():
    assert counts(judged({"tags": ["a"]}, {"tags": "a"})) == {"tags[]": (0, 0, 1, 0)}


def test_a_document_without_a_good_outcome_misses_every_value():
    wanted = {"number": "7", "lines": [line("Oak", 1), line("Ash", 2)]}
    judge = Judge(of_schema(SCHEMA), {})
    for outcome in (None, {"document_id": "d", "status": "failed", "label": None, "record": None}):
        found = judge.judgement(Truth("d", "f:1", "a", wanted), outcome)
        assert found.fields["number"] == Score(missing=1)
        assert found.fields["lines[].item"] == Score(missing=2)
        assert found.faults == ()
        assert found.of_label == Score(missing=1)
        assert not found.is_right


def test_precision_recall_and_f1():
    score = Score(right=8, wrong=6, absent=3, spurious=1, empty=2)  # 6 found, 2 of another value
    assert score.precision == pytest.approx(6 / 9)
    assert score.recall == pytest.approx(6 / 11)
    assert score.f1 == pytest.approx(2 * 6 / (9 + 11))
    assert (Score().precision, Score().recall, Score().f1, Score().accuracy) == (None,) * 4
    assert Score(right=1, empty=1).precision is None


def test_2000_rows_of_which_some_are_wrong_are_aligned_in_seconds():
    rows = [line(f"Article {number}", number + 0.5) for number in range(2000)]
    got = [line(f"Article {number}", number + (0.5 if number % 20 else 7)) for number in range(2000)]
    begun = time.monotonic()
    judgement = judged({"lines": rows}, {"lines": got[::-1]})
    assert time.monotonic() - begun < 20
    assert counts(judgement)["lines[].amount"] == (1900, 100, 0, 0)
    assert counts(judgement)["lines[].item"] == (2000, 0, 0, 0)


def test_200_rows_that_are_all_wrong_somewhere_are_aligned_in_seconds():
    rows = [line(f"Article {number}", number + 0.5, number) for number in range(200)]
    got = [line(f"Article {number}", -1.0, number) for number in range(200)]
    begun = time.monotonic()
    judgement = judged({"lines": rows}, {"lines": got[::-1]})
    assert time.monotonic() - begun < 30
    assert counts(judgement)["lines[].item"] == (200, 0, 0, 0)


def outcome(status: str, label: str, number: str) -> dict[str, Any]:
    return {"document_id": "d", "status": status, "label": label, "record": {"number": number}}


def test_review_is_judged_by_what_it_catches_and_holds_back():
    judge, truth = Judge(of_schema(SCHEMA), {}), Truth("d", "f:1", "a", {"number": "7"})
    given = [("review", "a", "8"), ("done", "a", "8"), ("review", "b", "7"), ("review", "a", "7")]
    given += [("done", "a", "7"), ("failed", "a", "7")]
    found = Evaluation.of([judge.judgement(truth, outcome(*each)) for each in given])
    assert found.reviewed().model_dump() == {"wrong": 3, "caught": 2, "right": 2, "held_back": 1}
    assert found.answered == 5


def test_labels_that_were_taken_for_others_are_counted():
    judge = Judge(of_schema(SCHEMA), {})
    given = [("a", "a"), ("a", "b"), ("a", "b"), ("b", "b"), ("b", None)]
    judged = [
        judge.judgement(Truth("d", "f:1", wanted, {}), outcome("done", got or "", "7") | {"label": got})
        for wanted, got in given
    ]
    assert Evaluation.of(judged).confusion() == {("a", "a"): 1, ("a", "b"): 2, ("b", "b"): 1, ("b", None): 1}
