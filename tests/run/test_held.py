"""What a step's record is worth beside another, and what of it a person's decision leaves."""

from docmill.flows.run.held import Held
from docmill.schemas.rule import BrokenRule

SUMS, DATES = BrokenRule(name="sums", message="no sum"), BrokenRule(name="dates", message="no date")


def test_a_second_record_that_is_as_good_takes_no_first_ones_place():
    assert not Held({"a": 1}).is_better(Held({"a": 2}))
    assert not Held({}, broken=(SUMS,)).is_better(Held({}, broken=(DATES,)))


def test_one_that_breaks_less_does():
    assert Held({}, broken=(SUMS,)).is_better(Held({}, broken=(SUMS, DATES)))
    assert not Held({}, broken=(SUMS, DATES)).is_better(Held({}, broken=(SUMS,)))


def test_a_broken_rule_that_was_decided_is_left_out_and_no_other():
    held = Held({}, broken=(SUMS, DATES))
    first, second = held.doubts()
    assert held.only([first]).broken == (SUMS,)
    assert held.only([second]).broken == (DATES,)
    assert held.only([]).broken == ()
