"""Numbers by their value: formats, signs, currencies, percent, and what is only a part of a token."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.checks.evidence import numbers


def quotes(text: str, value: str, count: int = 9) -> list[str]:
    number = Decimal(value)
    return [text[start:end] for start, end in numbers.places(text, {number: count})[number]]


def grouped(whole: int, separator: str) -> str:
    return f"{whole:,}".replace(",", separator)


@pytest.mark.parametrize(
    "text", ["1,130.50", "1130.5", "1.130,50", "1 130,50", "1'130.50", "1’130,50", "1130,5"]
)
@pytest.mark.parametrize(
    "around", ["{}", "sum: {}.", "sum ({})", "€{}", "$ {}", "{} €", "EUR {}", "{}EUR", "CHF{}", "{}%"]
)
def test_a_number_is_found_in_every_format(text: str, around: str):
    whole = around.format(text)
    assert text in quotes(whole, "1130.50")[0]


@given(
    st.integers(0, 10**9),
    st.integers(0, 99),
    st.sampled_from([",", ".", " ", "\u00a0", "\u202f", "\u2009", "'", "’", ""]),
    st.sampled_from([".", ","]),
    st.sampled_from(["{}", "a {} b", "|{}|", "\t{}\n", "合計{}円", "x: {}; y"]),
)
def test_what_is_written_with_any_separators_is_found_whole(
    whole: int, cents: int, group: str, point: str, around: str
):
    if group == point:
        return
    written = f"{grouped(whole, group)}{point}{cents:02}"
    assert quotes(around.format(written), f"{whole}.{cents:02}") == [written]


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("1.130", "1130", ["1.130"]),  # it can be read two ways
        ("1.130", "1.13", ["1.130"]),
        ("12,34,567.00", "1234567", ["12,34,567.00"]),
        ("1.130.000", "1130000", ["1.130.000"]),
        ("19 %", "19", ["19"]),
        ("19 %", "0.19", ["19"]),
        ("7,5%", "0.075", ["7,5"]),
        ("007", "7", ["007"]),
        ("0,00 EUR", "0", ["0,00"]),
        ("１，１３０．５０", "1130.5", ["１，１３０．５０"]),
        ("١٢٣٫٥", "123.5", ["١٢٣٫٥"]),
        ("12個", "12", ["12"]),
        ("24kg, 3x", "24", ["24"]),
        ("on the 3rd", "3", ["3"]),
        ("No.5", "5", ["5"]),
        ("31.12.2024", "2024", ["2024"]),
        ("INV-2024-7", "2024", ["2024"]),
        ("pages 10-12", "12", ["12"]),
        ("-5,00", "-5", ["-5,00"]),
        ("due -5,00", "5", []),
        ("due \u22125.00", "-5", ["\u22125.00"]),
        ("due - 5", "5", ["5"]),
        ("- 5 apples", "5", ["5"]),  # the mark of an item
        ("(500.00)", "-500", ["(500.00)"]),
        ("500,00-", "-500", ["500,00-"]),
        ("of 500,00- net", "-500", ["500,00-"]),
        ("of 500- net", "-500", []),  # a range, or a word behind a dash
        ("(500.00) in all", "-500", []),  # in a sentence parentheses are no minus
        ("-€5", "-5", ["-€5"]),
        ("€ -5", "-5", ["-5"]),
        ("Widget,3,12.50,37.50", "3", ["3"]),
        ("Widget,3,12.50,37.50", "12.5", ["12.50"]),
        ("[1,2,3]", "2", ["2"]),
        ("Ada,,5,", "5", ["5"]),
        ('"Ada",5', "5", ["5"]),
        ("at .5 EUR", "0.5", [".5"]),
        (",25", "0.25", [",25"]),
        ("1" + 27 * "0", "1e27", ["1" + 27 * "0"]),
        ("2 1 130,50", "1130.5", ["1 130,50"]),
        ("2 1 130,50", "2", ["2"]),
        ("5 and 5.0 and 5,00", "5", ["5", "5.0", "5,00"]),
        ("Total\n318.40 EUR", "318.4", ["318.40"]),
        ("Room 4\n318.40", "318.4", ["318.40"]),
        ("Total\r\n-5,00", "-5", ["-5,00"]),
        ("A\n.5", "0.5", [".5"]),
    ],
)
def test_a_number_is_quoted_as_it_stands(text: str, value: str, found: list[str]):
    assert quotes(text, value) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("112", "12"),
        ("12.5", "12"),
        ("12.5", "5"),
        ("12,5", "12"),
        ("1,130.50", "130.5"),
        ("1'130", "130"),
        ("A12", "12"),
        ("12abc", "12"),
        ("12k", "12"),
        (".5", "5"),
        ("192.168.1.1", "192.168"),
        ("1.2.3", "1.2"),
        ("1\n130", "1130"),
        ("1  130", "1130"),
        ("1\t130", "1130"),
        ("| 1 | 130 |", "1130"),
        ("1 1300", "11300"),
        ("1130.50", "1130.05"),
        ("1130.50", "113.05"),
        ("x²", "2"),
        ("12³", "123"),
        ("two", "2"),
        pytest.param("1" + 2_000_000 * "0", "1e300", id="two million digits"),
        ("12345678901234567890123456781", "12345678901234567890123456780"),
    ],
)
def test_another_number_is_not_found(text: str, value: str):
    assert quotes(text, value) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("€ 1,130.50", {"1130.50"}),
        ("1.130 EUR", {"1130", "1.130"}),
        ("19 %", {"19", "0.19"}),
        ("-5", {"-5"}),
        ("(5.00 EUR)", {"-5"}),
        ("5.00-", {"-5"}),
        ("RM 5", {"5"}),
        ("1.2 million", {"1.2", "1200000"}),
        ("0:0", set()),
        ("1/2", set()),
        ("12 apples", set()),
        ("", set()),
        ("none", set()),
        ("1.2.3.4", set()),
        ("DE89 3704 0044", set()),
        ("+49 30 123456", set()),
        pytest.param("1" + 2_000_000 * "0", set(), id="two million digits"),
    ],
)
def test_a_text_is_read_as_a_number_where_it_is_nothing_else(text: str, values: set[str]):
    assert numbers.values(text) == set(map(Decimal, values))


@given(st.text("0123456789.,'’ -+()€%kE\n", max_size=30), st.decimals(allow_nan=False, allow_infinity=False))
def test_whatever_the_text_a_search_ends_with_places_of_the_text(text: str, value: Decimal):
    for start, end in numbers.places(text, {value: 2})[value]:
        assert text[start:end].strip()
    numbers.values(text)
