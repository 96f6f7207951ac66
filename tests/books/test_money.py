"""Amounts of money: in cents, and in as many more digits as they have."""

from decimal import Decimal

import pytest

from docmill.schemas.money import dollars, money


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (0, "$0"),
        (5, "$5.00"),
        (0.5, "$0.50"),
        (0.0184, "$0.0184"),
        (0.00103, "$0.001"),
        (0.000032, "$0.000032"),
        (0.0000301, "$0.00003"),
        (1234.5, "$1,234.50"),
        (Decimal("12.3456"), "$12.3456"),
    ],
)
def test_an_amount_has_two_digits_and_as_many_more_as_it_needs(amount: float, written: str):
    assert dollars(amount) == written


def test_the_smaller_of_two_amounts_has_no_more_digits_than_the_larger():
    assert dollars(0.00012, beside=1.5) == "$0.0001"


def test_it_says_what_it_is_by():
    assert money(0.25, estimated=True, listed=True) == "about $0.25 by list prices"
    assert money(0, estimated=False, listed=True) == "$0"
    assert money(None, estimated=False) == "cost unknown: no price is known for a model"
