"""Decisions carried into the record of a later run: what holds, what is told, what is another item's."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from docmill.flows.review.carried import Carried, carried, same, standing
from docmill.schemas.decision import Decision, Doubt

RUN: dict[str, Any] = {
    "name": "Eve",
    "total": 12,
    "lines": [{"item": "a", "price": 1}, {"item": "b", "price": 1}],
}
AT = datetime(2026, 5, 4, tzinfo=UTC)


def decision(path: str, after: Any, verdict: Any = "correct", about: str = "value", **more: Any) -> Decision:
    whole = {"document_id": "d", "content_sha256": "c", "step": "extract", "by": "ada", "at": AT}
    return Decision(path=path, after=after, decision=verdict, about=about, **whole | more)


def carry(record: Any, *decisions: Decision, takes: Any = lambda _: True) -> Carried:
    return carried(record, standing(decisions).of("extract"), decisions, takes)


def doubt(path: str, about: str = "value", **more: Any) -> Doubt:
    return Doubt(path=path, about=about, wrong="w", **more)


def test_a_value_that_the_run_gives_as_before_is_corrected_again():
    found = carry(RUN, decision("/name", "Ada", before="Eve"))
    assert (found.record["name"], found.changed) == ("Ada", ())
    assert found.covers(doubt("/name"))
    assert RUN["name"] == "Eve"


def test_a_value_that_the_run_now_gives_rightly_holds():
    found = carry({**RUN, "name": "Ada"}, decision("/name", "Ada", before="Eve"))
    assert (found.record["name"], found.changed) == ("Ada", ())


def test_another_value_than_the_decided_one_is_told_and_does_not_replace_it():
    found = carry({**RUN, "name": "Bob"}, decision("/name", "Ada", before="Eve"))
    assert found.record["name"] == "Ada"
    [told] = found.changed
    assert (told.about, told.offered) == ("changed", "Bob")
    assert told.wrong == 'the run gives "Bob"; ada corrected to "Ada" on 2026-05-04'
    assert not found.covers(told)


def test_an_accepted_value_is_covered_and_no_other():
    found = carry(RUN, decision("/name", "Eve", "accept", before="Eve"))
    assert found.covers(doubt("/name"))
    assert not found.covers(doubt("/total"))
    assert not found.covers(doubt("/name", "changed"))
    assert not found.covers(doubt("", "rule sum"))


def test_what_people_decided_against_once_is_decided_against_for_good():
    first = decision("/total", 13, before=12)
    second = decision("/total", 14, "accept", "changed", before=15)
    for given_ in (12, 13, 15):
        found = carry({**RUN, "total": given_}, first, decision("/total", 14, before=13), second)
        assert (found.record["total"], found.changed) == (14, ())


def test_a_correction_in_an_item_goes_with_the_item():
    fixed = decision("/lines/1/price", 2, before=1, within=RUN["lines"][1])
    moved = {**RUN, "lines": [RUN["lines"][1], {"item": "c", "price": 1}]}
    assert carry(RUN, fixed).record["lines"][1] == {"item": "b", "price": 2}
    found = carry(moved, fixed)
    assert found.record["lines"] == [{"item": "b", "price": 2}, {"item": "c", "price": 1}]
    assert found.changed == ()


def test_a_correction_is_not_put_into_another_item_of_the_same_value():
    fixed = decision("/lines/1/price", 2, before=1, within=RUN["lines"][1])
    other = {**RUN, "lines": [RUN["lines"][0], {"item": "another", "price": 1}]}
    found = carry(other, fixed)
    assert found.record == other
    assert [each.path for each in found.changed] == ["/lines/1/price"]
    twice = {**RUN, "lines": [{"item": "z", "price": 9}, {"item": "z", "price": 8}, *[RUN["lines"][1]] * 2]}
    assert carry(twice, fixed).record == twice


def test_two_corrections_in_one_item_are_both_carried():
    within = RUN["lines"][1]
    found = carry(
        RUN,
        decision("/lines/1/price", 2, before=1, within=within),
        decision("/lines/1/item", "B", before="b", within=within),
    )
    assert found.record["lines"][1] == {"item": "B", "price": 2}


def test_items_that_were_added_stand_for_the_rows_that_were_left_out():
    added = [decision(f"/lines/{index}", {"item": "x", "price": index}) for index in (2, 3)]
    missing = doubt("/lines", "missing", rows=2)
    assert not carry(RUN, added[0]).covers(missing)
    found = carry(RUN, *added)
    assert found.covers(missing)
    assert len(found.record["lines"]) == 4
    longer = {**RUN, "lines": [*RUN["lines"], {"item": "y", "price": 0}]}
    assert [each.path for each in carry(longer, *added).changed] == ["/lines/2"]


def test_a_list_that_was_accepted_covers_its_missing_rows_while_it_is_that_list():
    accepted = decision("/lines", RUN["lines"], "accept", "missing", before=RUN["lines"])
    assert carry(RUN, accepted).covers(doubt("/lines", "missing", rows=1))
    shorter = carry({**RUN, "lines": RUN["lines"][:1]}, accepted)
    assert [each.path for each in shorter.changed] == ["/lines"]
    assert shorter.record["lines"] == RUN["lines"]


def test_a_list_that_was_set_covers_what_is_in_it():
    found = carry(RUN, decision("/lines", [{"item": "z", "price": 5}], before=RUN["lines"], about="missing"))
    assert found.record["lines"] == [{"item": "z", "price": 5}]
    for each in (doubt("/lines", "missing"), doubt("/lines/0/price"), doubt("/lines", "repeated")):
        assert found.covers(each)


def test_an_accepted_rule_holds_for_the_same_record_alone():
    accepted = decision("", RUN, "accept", "rule sum", before=RUN)
    assert carry(RUN, accepted).covers(doubt("", "rule sum"))
    assert not carry(RUN, accepted).covers(doubt("", "rule other"))
    assert not carry({**RUN, "total": 99}, accepted).covers(doubt("", "rule sum"))


def test_what_the_schema_no_longer_takes_is_passed_over():
    found = carry(
        RUN, decision("/total", "12 EUR", before=12), takes=lambda record: record["total"] != "12 EUR"
    )
    assert (found.record, found.held, found.changed) == (RUN, (), ())


def test_the_last_decision_of_a_point_holds_and_undo_opens_it():
    first, second = decision("/name", "Ada", before="Eve"), decision("/name", "Bea", before="Eve")
    assert carry(RUN, first, second).record["name"] == "Bea"
    undo = second.model_copy(update={"decision": "undo"})
    assert not carry(RUN, first, second, undo).held
    assert carry(RUN, first, second, undo, first).record["name"] == "Ada"


def test_a_rejected_document_is_taken_up_again_by_a_later_decision():
    rejected = decision("", None, "reject", "document", step="")
    assert standing([rejected]).rejected == rejected
    assert standing([rejected, decision("/name", "Ada")]).rejected is None
    assert standing([rejected, rejected.model_copy(update={"decision": "undo"})]).rejected is None


def test_true_is_not_one_and_nothing_is_null():
    assert same([1.0, {"a": None}], [1, {"a": None}])
    assert not same([True], [1])
    assert not same({"a": 1}, {"a": 1, "b": None})


VALUES = st.sampled_from([None, 1, 2, "x", True])


@given(VALUES, st.lists(VALUES, max_size=6))
def test_decisions_carried_twice_are_as_carried_once(given_: Any, afters: list[Any]):
    decisions: list[Decision] = []
    record: Any = {"v": given_}
    for after in afters:
        decisions.append(decision("/v", after, before=record["v"]))
        record = carry({"v": given_}, *decisions).record
        assert same(record["v"], after)
    again = carry(record, *decisions)
    assert (again.record, again.changed) == (record, ())
