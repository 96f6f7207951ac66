"""Tool schemas as other tools write them: whole tools of the providers, older drafts, OpenAPI, pydantic."""

import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.jsonlines import line_of
from docmill.tasks.checks.older import translated
from docmill.tasks.checks.toolschema import load, made
from docmill.tasks.checks.validation import validator
from tests.checks.test_tool_schemas import schemas

Schema = dict[str, Any]

PROPERTIES: Schema = {"number": {"type": "string"}, "total": {"type": "number"}}
RECORD: Schema = {"type": "object", "properties": PROPERTIES, "required": ["number"]}
CLOSED = RECORD | {"additionalProperties": False}
NAMED: Schema = {"name": "record_bill", "description": "Record a bill"}
FORMS: dict[str, tuple[Schema, str]] = {  # with the place of the schema in it
    "docmill's": (NAMED | {"parameters": RECORD}, "/parameters"),
    "OpenAI's": (
        {"type": "function", "function": NAMED | {"parameters": RECORD, "strict": True}},
        "/function/parameters",
    ),
    "OpenAI's, flat": (NAMED | {"type": "function", "parameters": RECORD, "strict": False}, "/parameters"),
    "OpenAI's response format": (
        {"type": "json_schema", "json_schema": NAMED | {"schema": RECORD}},
        "/json_schema/schema",
    ),
    "Anthropic's": (NAMED | {"input_schema": RECORD}, "/input_schema"),
    "Anthropic's, with its type": (
        NAMED | {"type": "custom", "input_schema": RECORD, "cache_control": {"type": "ephemeral"}},
        "/input_schema",
    ),
    "MCP's": (NAMED | {"title": "Bill", "inputSchema": RECORD, "annotations": {}}, "/inputSchema"),
}

WORDS = {
    "type",
    "properties",
    "required",
    "enum",
    "items",
    "$ref",
    "anyOf",
    "$defs",
    "name",
    "parameters",
    "schema",
}
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["object", "array", "#/$defs/a", "json_schema"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(WORDS)), inner, max_size=3)
    ),
    max_leaves=8,
)


def tool(declared: Any, stem: str = "bill") -> Any:
    return made(declared, stem, f"{stem}.json")


def refusal(declared: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        tool(declared)
    return str(caught.value)


@pytest.mark.parametrize(("form", "_"), FORMS.values(), ids=FORMS)
def test_a_tool_of_any_provider_is_one_tool(form: Schema, _: str, tmp_path: Path):
    (tmp_path / "bill.json").write_text(json.dumps(form))
    loaded = load(tmp_path / "bill.json")
    assert (loaded.id, loaded.name, loaded.description) == ("bill", "record_bill", "Record a bill")
    assert loaded.parameters == CLOSED


@pytest.mark.parametrize(("form", "place"), FORMS.values(), ids=FORMS)
def test_a_fault_has_its_place_in_the_file(form: Schema, place: str):
    wrong = json.loads(json.dumps(form).replace('"string"', '"text"'))
    assert refusal(wrong).startswith(f"bill.json: {place}/properties/number/type: ")


def test_a_schema_alone_is_named_by_its_file():
    bare = tool(RECORD, "tax bill.v2")
    assert (bare.id, bare.name, bare.description) == ("tax bill.v2", "tax_bill_v2", "Tax bill v2")
    assert bare.parameters == CLOSED
    assert tool(RECORD | {"description": "A bill."}).description == "A bill."
    assert tool(RECORD | {"title": "Bill"}).description == "Bill"


def test_a_fault_in_a_schema_alone_has_its_place():
    assert refusal(RECORD | {"requird": []}) == (
        "bill.json: /: unknown keyword 'requird'; did you mean required?"
    )
    assert (
        refusal({"type": "array"}) == "bill.json: /type: must be 'object', not 'array': a record is an object"
    )


@given(st.dictionaries(st.sampled_from(sorted(WORDS)), ANY, max_size=5))
def test_any_object_is_a_tool_or_an_error_of_ours(declared: Schema):
    with suppress(ConfigError):
        tool(declared)


def test_a_tool_without_a_description_is_described_by_its_name():
    form = {"type": "function", "function": {"name": "record_bill", "parameters": RECORD}}
    assert tool(form).description == "Record bill"


def test_a_tool_without_a_name_is_refused():
    assert refusal({"description": "d", "parameters": RECORD}) == "bill.json: /name: is missing"
    form = {"type": "function", "function": {"description": "d", "parameters": RECORD}}
    assert refusal(form) == "bill.json: /function/name: is missing"


def test_several_tools_are_refused():
    two = [FORMS["OpenAI's"][0]] * 2
    assert refusal(two) == "bill.json: a list of 2: give each tool a file of its own"


class Line(BaseModel):
    amount: Decimal


class Bill(BaseModel):
    number: str
    total: Decimal
    tax: Decimal | None = None
    lines: list[Line]


def test_pydantics_own_schema_is_taken_as_it_is():
    loaded = tool(Bill.model_json_schema())
    record: Any = {"number": "K1", "total": 318.4, "tax": None, "lines": [{"amount": "12.50"}]}
    assert validator(loaded.parameters).is_valid(record)


DECIMALS = [
    r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$",
    r"^(?!^[-+.]*$)[+-]?0*(?:\d{0,8}|(?=[\d.]{1,11}0*$)\d{0,8}\.\d{0,2}0*$)",
]


@pytest.mark.parametrize("pattern", DECIMALS)
def test_of_pydantics_decimal_with_a_pattern_the_number_is_asked_for(pattern: str):
    text = {"type": "string", "pattern": pattern}
    rule = {"anyOf": [{"type": "number", "minimum": 0}, text], "title": "Total"}
    assert translated(rule) == {"type": "number", "minimum": 0, "title": "Total"}
    nullable = {"anyOf": [{"type": "number"}, text, {"type": "null"}]}
    assert translated(nullable) == {"anyOf": [{"type": "number"}, {"type": "null"}]}
    lines = {"type": "array", "items": {"type": "object", "properties": {"amount": rule}}}
    assert tool(RECORD | {"properties": {"lines": lines}})


def test_a_pattern_that_looks_around_is_refused_where_no_number_stands_beside_it():
    rule = {"anyOf": [{"type": "string", "pattern": "(?!x)"}, {"type": "null"}]}
    assert "is not one that RE2 takes" in refusal(RECORD | {"properties": {"a": rule}})


OLDER: dict[str, tuple[Schema, Schema]] = {
    "draft 7": ({"$schema": "http://json-schema.org/draft-07/schema#"}, {}),
    "draft 2019-09": ({"$schema": "https://json-schema.org/draft/2019-09/schema"}, {}),
    "another": ({"$schema": "https://example.com/schema"}, {"$schema": "https://example.com/schema"}),
    "a tuple": (
        {"items": [{"nullable": False}, {}], "additionalItems": False},
        {"prefixItems": [{}, {}], "items": False},
    ),
    "additionalItems that mean nothing": ({"items": {}, "additionalItems": False}, {"items": {}}),
    "dependencies": (
        {"dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
        {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"required": ["d"]}}},
    ),
    "an exclusive limit": (
        {"minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False},
        {"exclusiveMinimum": 0, "maximum": 9},
    ),
    "nullable": ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
    "not nullable": ({"type": "string", "nullable": False}, {"type": "string"}),
    "a nullable enum": (
        {"type": "string", "enum": ["a"], "nullable": True},
        {"type": ["string", "null"], "enum": ["a", None]},
    ),
    "a nullable reference": (
        {"$ref": "#/$defs/x", "nullable": True, "description": "d"},
        {"anyOf": [{"$ref": "#/$defs/x"}, {"type": "null"}], "description": "d"},
    ),
    "within": (
        {"properties": {"nullable": {"items": {"type": "number", "nullable": True}}}},
        {"properties": {"nullable": {"items": {"type": ["number", "null"]}}}},
    ),
    "beside true": (
        {"anyOf": [True, {"type": "string", "nullable": True}]},
        {"anyOf": [True, {"type": ["string", "null"]}]},
    ),
}


@pytest.mark.parametrize(("older", "today"), OLDER.values(), ids=OLDER)
def test_an_older_schema_is_said_in_todays_words(older: Schema, today: Schema):
    assert translated(older) == today


@given(schemas("#/$defs/x"))
def test_a_schema_of_today_stays_as_it_is(schema: Any):
    assert translated(schema) == schema


@pytest.mark.parametrize(
    "wrong",
    [{"properties": []}, {"anyOf": 7}, {"dependencies": []}, {"enum": 7, "nullable": True, "type": "string"}],
)
def test_what_is_malformed_is_left_to_be_told(wrong: Schema):
    assert refusal(RECORD | {"properties": {"a": wrong}}).startswith("bill.json: /properties/a/")


def test_a_nullable_record_is_refused():
    assert "must be 'object'" in refusal(NAMED | {"parameters": RECORD | {"nullable": True}})


TEXT = """{
  "name": "bill",
  "parameters": {
    "type": "object",
    "properties": {
      "total": {"type": "number",
                "minimum": "a \\"low\\" one, {"},
      "lines": {"type": "array", "items": [
        {"type": "string"}
      ]}
    }
  }
}"""


@pytest.mark.parametrize(
    ("at", "line"),
    [
        ((), 1),
        (("name",), 2),
        (("parameters", "properties", "total"), 6),
        (("parameters", "properties", "total", "minimum"), 7),
        (("parameters", "properties", "total", "maximum"), 6),
        (("parameters", "properties", "lines", "items", "0", "type"), 9),
        (("elsewhere",), 1),
    ],
)
def test_a_value_is_on_the_line_where_it_is_written(at: tuple[str, ...], line: int):
    assert line_of(TEXT, at) == line


@given(ANY)
def test_each_value_of_any_json_has_a_line(value: Any):
    text = json.dumps({"a": value}, indent=1)
    assert line_of(text, ("a",)) == 2


def test_a_fault_of_a_file_is_told_with_its_line(tmp_path: Path):
    file = tmp_path / "bill.json"
    file.write_text(TEXT)
    with pytest.raises(ConfigError, match=r"bill\.json:7: /parameters/properties/total/minimum: "):
        load(file)
