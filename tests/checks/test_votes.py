"""Votes: the value that most answers give, field by field, and what they differ on."""

from typing import Any

import pytest

from docmill.tasks.checks.pointers import ABSENT
from docmill.tasks.checks.votes import majority, nearest

ADA: dict[str, Any] = {"name": "Ada Ltd", "total": 60, "lines": [{"item": "Oak"}, {"item": "Ash"}]}


def splits(*votes: Any) -> dict[Any, dict[str, int]]:
    return {each.path: {str(value): count for value, count in each.given} for each in majority(votes)[1]}


@pytest.mark.parametrize(
    "other",
    [
        ADA,
        {**ADA, "name": " ADA  ltd"},
        {**ADA, "total": 60.0},
        {**ADA, "lines": ADA["lines"][::-1]},
    ],
    ids=["the same", "case and blanks", "a number written otherwise", "another order of the items"],
)
def test_what_is_written_otherwise_is_the_same_answer(other: Any):
    assert majority([ADA, other, ADA]) == (ADA, ())


@pytest.mark.parametrize("other", [True, "1", None, [1], "number 1"], ids=repr)
def test_one_is_no_truth_no_text_and_no_nothing(other: Any):
    assert splits({"a": 1}, {"a": other}) == {("a",): {"1": 1, str(other): 1}}


def test_each_field_has_the_value_that_most_give():
    votes = [ADA, {**ADA, "total": 61}, {**ADA, "name": "Eve"}]
    assert majority(votes)[0] == ADA
    assert splits(*votes) == {("name",): {"Ada Ltd": 2, "Eve": 1}, ("total",): {"60": 2, "61": 1}}


def test_the_majority_is_right_also_where_the_first_vote_is_not():
    assert majority(["b", "a", "a"])[0] == "a"


def test_where_as_many_give_each_the_first_vote_counts():
    assert majority([3, 2, 1])[0] == 3


def test_a_value_that_one_alone_leaves_out_stays_and_one_that_one_alone_gives_goes():
    assert majority([{"a": 1}, {}, {"a": 1}])[0] == {"a": 1}
    value, [split] = majority([{}, {"a": 1}, {}])
    assert (value, split.path, split.given) == ({}, ("a",), ((ABSENT, 2), (1, 1)))


def test_lists_are_compared_by_item_where_they_are_equally_long():
    other = {**ADA, "lines": [{"item": "Oak"}, {"item": "Elm"}]}
    assert splits(ADA, ADA, other) == {("lines", 1, "item"): {"Ash": 2, "Elm": 1}}


def test_lists_are_compared_as_a_whole_where_they_are_not_equally_long():
    votes = [ADA, {**ADA, "lines": [{"item": "Oak"}]}, ADA]
    value, [split] = majority(votes)
    assert (value, split.path) == (ADA, ("lines",))
    assert str(split) == "the votes differ: 2 for a list of 2, 1 for a list of 1"


def test_it_says_how_many_gave_which():
    _, [split] = majority(["invoice", "receipt", "invoice"])
    assert str(split) == 'the votes differ: 2 for "invoice", 1 for "receipt"'


def test_the_nearest_vote_differs_in_the_fewest_places():
    assert nearest({"a": 1, "b": 2}, [{"a": 2, "b": 3}, {"a": 1, "b": 3}, {"a": 1, "b": 4}]) == 1
