"""Values of which a picture has letters that look alike: found as similar, in doubt on an unsure page."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.document import Recognized
from docmill.tasks.checks.evidence.alike import SURE, in_doubt
from docmill.tasks.checks.evidence.grounding import Grounding, Grounds

ANY: dict[str, Any] = {"properties": {"a": {}}}


def _grounding(
    text: str, value: Any, confidence: float | None = 0.9, schema: dict[str, Any] = ANY
) -> Grounding:
    parts = (
        [] if confidence is None else [Recognized(part="p", confidence=confidence, start=0, end=len(text))]
    )
    return Grounds(text, (), parts).of({"a": value}, schema)


def _quote(text: str, value: Any) -> str | None:
    [entry] = _grounding(text, value).evidence
    assert (entry["start"] is None) == ("similar" not in entry)
    quote: str | None = entry["quote"]
    return quote


@pytest.mark.parametrize(
    ("text", "value", "quote"),
    [
        ("Order RE-2O31 today", "RE-2031", "RE-2O31"),
        ("City: R0senheim", "Rosenheim", "R0senheim"),
        ("the rnodern way", "modern", "rnodern"),
        ("a modem world", "modern", "modem"),
        ("lnvoice", "Invoice", "lnvoice"),
        ("S5X-9", "55X-9", "S5X-9"),
        ("Muller GmbH", "Müller GmbH", "Muller GmbH"),
        ("MüllerGmbH & Co", "Müller GmbH", "MüllerGmbH"),
        ("lnvoice nurnber 7", "Invoice number 7", "lnvoice nurnber 7"),
        ("RechnungRE-2031-0042", "RE-2031-0042", "RE-2031-0042"),
        ("IBANDE89 3704004405 3201 3000", "DE89370400440532013000", "DE89 3704004405 3201 3000"),
        ("Nordic Mills Ltdof Pier Road", "Nordic Mills Ltd", None),  # `of` is no word of three letters
        ("Nordic Mills Ltdand others", "Nordic Mills Ltd", "Nordic Mills Ltd"),
        ("total 49.5O EUR", 49.5, "49.5O"),
        ("total l49.50 EUR", 149.5, "l49.50"),
        ("sum 1,2S0.00", 1250, "1,2S0.00"),
    ],
)
def test_what_looks_alike_is_found_as_similar(text: str, value: Any, quote: str | None):
    assert _quote(text, value) == quote


def test_a_day_is_found_where_one_digit_is_a_letter():
    schema = {"properties": {"a": {"type": "string", "format": "date"}}}
    assert _grounding("on l4.03.2031", "2031-03-14", schema=schema).evidence[0]["quote"] == "l4.03.2031"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("RE-2O3l today", "RE-2031"),  # two in a word
        ("Order RE-2032", "RE-2031"),  # digits are not alike
        ("total 149.50", 49.5),
        ("about 5l of oil", 51),  # a unit
        ("5S", 55),
        ("Neumann", "Naumann"),
        ("XRE-2031-0042", "RE-2031-0042"),
        ("1234 5678", "12345678"),
        ("DE89\t370400440532013000", "DE89370400440532013000"),
        ("RechnungRE-2O31-0042", "RE-2031-0042"),  # a lost blank and another edit
        ("xlnvoice", "Invoice"),  # a part of a longer word
    ],
)
def test_what_is_another_value_is_not_similar(text: str, value: Any):
    assert _quote(text, value) is None


@given(st.from_regex(r"[A-Z]{0,3}-?[0-9]{3,12}", fullmatch=True), st.data())
def test_a_code_with_another_digit_is_never_similar(code: str, data: st.DataObject):
    at = data.draw(st.sampled_from([at for at, char in enumerate(code) if char.isdecimal()]))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != code[at]]))
    assert _quote(f"No. {code[:at]}{other}{code[at + 1 :]} of May", code) is None


def test_what_stands_there_is_not_called_similar():
    assert "similar" not in _grounding("RE-2O31 RE-2031", "RE-2031").evidence[0]


def test_only_text_of_pictures_has_similar_values():
    assert _grounding("RE-2O31", "RE-2031", None).evidence[0]["start"] is None
    parts = [Recognized(part="page 2", confidence=0.9, start=8, end=12)]
    assert Grounds("RE-2O31 scan", (0, 8), parts).of({"a": "RE-2031"}, ANY).missing == ["a"]


@pytest.mark.parametrize(("confidence", "missing"), [(SURE - 0.01, ["a"]), (SURE, [])])
def test_a_similar_value_is_in_doubt_unless_its_page_is_sure(confidence: float, missing: list[str]):
    grounding = _grounding("RE-2O31", "RE-2031", confidence)
    assert grounding.missing == missing
    assert in_doubt(grounding.evidence[0]) == bool(missing)
    assert grounding.evidence[0]["similar"] == confidence


def test_a_similar_value_has_its_page_and_place():
    text = "first\n\nRE-2O31"
    parts = [Recognized(part="page 2", confidence=0.9, start=7, end=14)]
    assert Grounds(text, (0, 7), parts).of({"a": "RE-2031"}, ANY).evidence == [
        {"path": "a", "page": 2, "start": 7, "end": 14, "quote": "RE-2O31", "similar": 0.9}
    ]


def test_a_long_scan_is_searched_in_its_time():
    text = "lnvoice 1O0 rnodern " * 50_000
    wanted = {f"k{number}": f"Inv0ice number {number}" for number in range(200)}
    parts = [Recognized(part="p", confidence=0.9, start=0, end=len(text))]
    assert (
        len(Grounds(text, (), parts).of(wanted, {"properties": {key: {} for key in wanted}}).missing) == 200
    )
