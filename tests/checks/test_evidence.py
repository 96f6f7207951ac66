"""Evidence of records: where each value stands, which need none, and how equal ones share the places."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from docmill.tasks.checks.evidence.grounding import Grounding, Grounds
from docmill.tasks.checks.toolschema import load


def grounded(text: str, record: dict[str, Any], properties: dict[str, Any], *starts: int) -> Grounding:
    """Hold a record against a text by a schema with these properties, as it is loaded from a file."""
    parameters = {"type": "object", "properties": properties}
    return Grounds(text, starts).of(record, marked(parameters))


def marked(parameters: dict[str, Any]) -> dict[str, Any]:
    file = Path("bill.json")
    file.write_text(json.dumps({"name": "bill", "description": "Bill.", "parameters": parameters}))
    return load(file).marked


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_evidence_is_path_page_place_and_quote_of_each_value():
    text = "page one: 5 nuts\fpage two: 1.130,50 EUR on 31.1.2024, nuts"
    lines = {"type": "array", "items": {"type": "object", "properties": {"what": {}, "amount": {}}}}
    record = {
        "lines": [{"what": "Nuts", "amount": 5}, {"what": "nuts", "amount": 1130.5}],
        "on": "2024-01-31",
    }
    found = grounded(text, record, {"lines": lines, "on": {"type": "string", "format": "date"}}, 0, 17)
    assert found.evidence == [
        {"path": "lines[0].what", "page": 1, "start": 12, "end": 16, "quote": "nuts"},
        {"path": "lines[0].amount", "page": 1, "start": 10, "end": 11, "quote": "5"},
        {"path": "lines[1].what", "page": 2, "start": 54, "end": 58, "quote": "nuts"},
        {"path": "lines[1].amount", "page": 2, "start": 27, "end": 35, "quote": "1.130,50"},
        {"path": "on", "page": 2, "start": 43, "end": 52, "quote": "31.1.2024"},
    ]
    assert all(text[each["start"] : each["end"]] == each["quote"] for each in found.evidence)
    assert found.missing == []


def test_what_is_not_found_has_no_place_and_is_named():
    found = grounded("Ada", {"name": "Ada", "town": "Paris"}, {"name": {}, "town": {}})
    assert found.evidence[1] == {"path": "town", "page": None, "start": None, "end": None, "quote": None}
    assert found.missing == ["town"]


def test_a_text_without_pages_has_no_page_numbers():
    [entry] = grounded("Ada", {"name": "Ada"}, {"name": {}}).evidence
    assert entry["page"] is None


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"enum": ["low", "high"]}, "high"),
        ({"const": "fixed"}, "fixed"),
        ({"anyOf": [{"enum": ["low"]}, {"type": "string"}]}, "low"),
        ({"type": "string"}, ""),
        ({"type": "string"}, " \u00ad "),
        ({"type": "array", "items": {"type": "string"}}, []),
        ({"type": "string", "x-evidence": False}, "invented"),
        ({"type": "number", "x-evidence": False}, 99.5),
        ({"x-evidence": False, "type": "array", "items": {"type": "string"}}, ["invented"]),
        ({"x-evidence": False, "properties": {"a": {"x-evidence": True}}}, {"a": "invented"}),
        ({"items": {"x-evidence": False}}, ["invented"]),
        (
            {"additionalProperties": {"x-evidence": False}, "propertyNames": {"enum": ["k"]}},
            {"k": "invented"},
        ),
        ({"patternProperties": {"^k": {}}, "x-evidence": False}, {"key": "invented"}),
        ({"allOf": [{"x-evidence": False}]}, "invented"),
        ({"anyOf": [{"type": "string", "x-evidence": False}, {"type": "number"}]}, "invented"),
        ({"if": {"type": "string"}, "then": {"x-evidence": False}}, "invented"),
        ({"prefixItems": [{"x-evidence": False}]}, ["invented"]),
    ],
)
def test_what_is_exempt_needs_no_evidence(schema: dict[str, Any], value: Any):
    assert grounded("text", {"a": value}, {"a": schema}) == Grounding([], [])


@pytest.mark.parametrize(
    ("schema", "value", "missing"),
    [
        ({"anyOf": [{"type": "string", "x-evidence": False}, {"type": "number"}]}, 99, ["a"]),
        ({"anyOf": [{"enum": ["low"]}, {"type": "string"}]}, "invented", ["a"]),
        ({"if": {"type": "string"}, "then": {"x-evidence": False}}, 99, ["a"]),
        ({"prefixItems": [{"x-evidence": False}]}, ["one", "two"], ["a[1]"]),
        ({"additionalProperties": {"x-evidence": False}}, {"invented": "x"}, ["a.*"]),
        ({"additionalProperties": True}, {"invented": {"more": 99}}, ["a.*", "a.*.*", "a.*.*"]),
        ({"x-evidence": True}, "invented", ["a"]),
        ({"not": {"x-evidence": False}}, "invented", ["a"]),
        ({"properties": {"x-evidence": {"type": "string"}}}, {"x-evidence": "invented"}, ["a.x-evidence"]),
    ],
)
def test_an_exemption_goes_no_further_than_it_says(schema: dict[str, Any], value: Any, missing: list[str]):
    assert grounded("text", {"a": value}, {"a": schema}).missing == missing


def test_an_exemption_is_found_behind_a_reference():
    party = {"type": "object", "properties": {"name": {}, "code": {"x-evidence": False}}}
    properties = {
        "seller": {"$ref": "#/$defs/party"},
        "buyer": {"$ref": "#/$defs/party", "x-evidence": False},
    }
    schema = marked({"type": "object", "properties": properties, "$defs": {"party": party}})
    record = {"seller": {"name": "A", "code": "B"}, "buyer": {"name": "C", "code": "D"}}
    assert Grounds("text").of(record, schema).missing == ["seller.name"]


def test_the_keyword_is_not_sent_and_stays_where_records_are_checked():
    parameters = {
        "type": "object",
        "properties": {
            "x-evidence": {"x-evidence": False, "$ref": "#/$defs/a", "default": {"x-evidence": 1}}
        },
        "$defs": {"a": {"type": "string", "x-evidence": True}},
    }
    marked(parameters)
    tool = load(Path("bill.json"))
    sent = {"type": "string", "default": {"x-evidence": 1}}
    assert tool.parameters["properties"] == {"x-evidence": sent}
    assert tool.marked["properties"]["x-evidence"]["x-evidence"] is False


@pytest.mark.parametrize(
    ("text", "value", "quotes"),
    [
        ("a b a b a", "a", ["a", "a", "a"]),
        ("5 and 5.00 and 5,0", 5, ["5", "5.00", "5,0"]),
        ("31.1.2024, Jan 31, 2024", "2024-01-31", ["31.1.2024", "Jan 31, 2024"]),
        ("Liefer-\nung Lieferung", "Lieferung", ["Liefer-\nung", "Lieferung"]),
    ],
)
def test_the_nth_of_equal_values_points_to_the_nth_place(text: str, value: Any, quotes: list[str]):
    found = grounded(text, {"a": [value] * len(quotes)}, {"a": {}}).evidence
    assert [each["quote"] for each in found] == quotes
    assert len({each["start"] for each in found}) == len(quotes)


def test_equal_values_of_which_there_are_too_few_all_point_to_the_first():
    found = grounded("a b a", {"a": ["a"] * 3}, {"a": {}}).evidence
    assert [each["start"] for each in found] == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "value", "quote"),
    [
        ("on 31. Januar 2024", "2024-01-31", "31. Januar 2024"),
        ("total 1.130,50", "1130.50", "1.130,50"),
        ("VAT 19 %", "19%", "19"),
        ("total 1.130,50", "€1,130.50", "1.130,50"),
        ("2024-01-31", "31 January 2024", "2024-01-31"),
        ("No. 0012", "12", "0012"),
    ],
)
def test_a_string_that_is_a_date_or_a_number_is_found_in_another_format(text: str, value: str, quote: str):
    [entry] = grounded(text, {"a": value}, {"a": {"type": "string"}}).evidence
    assert entry["quote"] == quote


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on 31.1.2024 at 14:30", True),
        ("on 31.1.2024 at 2:30 pm", True),
        ("2024-01-31T14:30:00+01:00", True),
        ("on 31.1.2024", False),
        ("on 31.1.2024 at 14:31", False),
        ("on 30.1.2024 at 14:30", False),
    ],
)
def test_a_date_time_needs_its_day_and_its_time(text: str, found: bool):
    schema = {"type": "string", "format": "date-time"}
    assert (grounded(text, {"a": "2024-01-31T14:30:00Z"}, {"a": schema}).missing == []) is found


def test_midnight_is_a_day_without_a_time():
    schema = {"type": "string", "format": "date-time"}
    assert not grounded("on 31.1.2024", {"a": "2024-01-31T00:00:00Z"}, {"a": schema}).missing


def test_a_record_of_a_hundred_values_costs_little():
    """Measured: 20 to 40 ms; the bound leaves room for a busy machine."""
    line = (
        "On 3.4.{year} the Müller GmbH paid {amount:,.2f} EUR for the ninth of all their many har-\nbours.\n"
    )
    lines = [line.format(year=1990 + number % 40, amount=number * 3.5) for number in range(2_300)]
    text = "".join(lines)
    assert len(text) > 200_000
    record: dict[str, Any] = {f"a{number}": number * 3.5 for number in range(50)}
    record |= {f"b{number}": f"Müller GmbH paid {number * 3.5:,.2f} EUR" for number in range(50)}
    begun = time.process_time()
    found = Grounds(text).of(record, {"properties": {key: {} for key in record}})
    assert time.process_time() - begun < 0.25
    assert found.missing == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["a", "1 ", "112 ", "1,", "-\n", "\u0301", "a\u200b", "31.1.", " ", "ﬁ", "a-\n"]
)
def test_a_text_that_is_all_one_thing_is_searched_in_bounded_time(piece: str):
    record = {
        "a": "aaaaa",
        "b": "a",
        "c": 12,
        "d": 1,
        "e": "2024-01-31",
        "f": "112",
        "g": 112112.5,
        "h": "fi a",
    }
    begun = time.process_time()
    Grounds(piece * (1_000_000 // len(piece))).of(record, {"properties": {key: {} for key in record}})
    assert time.process_time() - begun < 10  # 1 MB: 0.1 to 2 s
