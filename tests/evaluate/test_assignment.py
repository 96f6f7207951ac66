"""Which rows belong together: the pairs that are worth most in all."""

import time
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from docmill.flows.evaluate import assignment
from docmill.flows.evaluate.assignment import assigned

WORTHS = st.integers(1, 5).flatmap(
    lambda columns: st.lists(
        st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=columns, max_size=columns),
        min_size=1,
        max_size=5,
    )
)


def best(worth: list[list[float]]) -> float:
    """Try all."""
    if len(worth) > len(worth[0]):
        worth = [list(column) for column in zip(*worth, strict=True)]
    columns = permutations(range(len(worth[0])), len(worth))
    return max(sum(row[at] for row, at in zip(worth, each, strict=True)) for each in columns)


@given(WORTHS)
def test_no_other_pairs_are_worth_more(worth: list[list[float]]):
    pairs = assigned(worth)
    assert sum(worth[row][column] for row, column in pairs) == best(worth)
    assert all(worth[row][column] > 0 for row, column in pairs)
    for side in zip(*pairs, strict=True):
        assert len(set(side)) == len(side)


def test_nothing_is_paired_with_nothing():
    assert assigned([]) == []
    assert assigned([[], []]) == []
    assert assigned([[0.0, 0.0]]) == []


def test_what_is_best_for_one_row_alone_is_given_up_for_all():
    assert assigned([[0.9, 0.8], [0.9, 0.1]]) == [(0, 1), (1, 0)]


def test_of_too_many_the_best_pair_is_taken_first():
    many = 201
    worth = [[1.0 if row == column else 0.1 for column in range(many)] for row in range(many)]
    assert many * many > assignment.MOST_EXACT
    assert assigned(worth) == [(row, row) for row in range(many)]


def test_200_by_200_take_seconds_at_most():
    worth = [[((7 * row + 13 * column) % 101) / 101 for column in range(200)] for row in range(200)]
    begun = time.monotonic()
    assert len(assigned(worth)) == 200
    assert time.monotonic() - begun < 20
