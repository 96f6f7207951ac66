"""`docmill.extract`: a record of a schema by name, dict or pydantic class, held against its text."""

import datetime
import enum
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

import docmill
from docmill.flows.api.schema import tool_schema
from tests.support.own_flow import in_flow
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import saying

TEXT = "Invoice R-104 of 2 January 2026: pens 3.50, paper 314.90. Total 318.40 EUR."


class Kind(enum.Enum):
    INVOICE = "invoice"
    CREDIT = "credit note"


class Line(BaseModel):
    what: str
    price: Decimal = Field(decimal_places=2, ge=0)


class Invoice(BaseModel):
    """Record the invoice."""

    model_config = ConfigDict(strict=True)

    number: str = Field(alias="invoice number")
    kind: Kind
    on: datetime.date
    paid: datetime.date | None = None
    total: Decimal
    currency: Literal["EUR", "USD"] | None = None
    lines: list[Line] = []


RECORD = {
    "invoice number": "R-104",
    "kind": "invoice",
    "on": "2026-01-02",
    "total": 318.4,
    "currency": "EUR",
    "lines": [{"what": "pens", "price": 3.5}, {"what": "paper", "price": 314.9}],
}


async def extract(provider: Provider, record: Any, schema: Any, text: str = TEXT, **settings: Any) -> Any:
    """Extract from a text, where the model says this record."""
    provider.always(saying(record if isinstance(record, str) else json.dumps(record)))
    endpoint = docmill.Endpoint(base_url=provider.url, **settings)
    async with docmill.session(endpoint, "m"):
        return await in_flow(lambda: docmill.extract(text, schema))


pytestmark = pytest.mark.usefixtures("prefect_api", "cache")


@pytest.mark.parametrize("form", ["tools", "json_schema", "text"])
async def test_a_pydantic_class_gives_an_instance_of_it(provider: Provider, form: str):
    record = await extract(provider, RECORD, Invoice, structured_output=form)
    assert record.value == Invoice.model_validate_json(json.dumps(RECORD))
    assert type(record.value) is Invoice
    assert (record.value.kind, record.value.lines[0].price) == (Kind.INVOICE, Decimal("3.5"))
    assert record.missing == ()


async def test_each_value_has_its_place_in_the_text(provider: Provider):
    record = await extract(provider, RECORD, Invoice)
    places = {value.path: TEXT[value.start : value.end] for value in record.evidence}
    assert places["invoice number"] == "R-104"
    assert places["on"] == "2 January 2026"
    assert places["lines[1].price"] == "314.90"
    assert "kind" not in places


async def test_a_value_that_the_text_does_not_hold_is_missing(provider: Provider):
    record = await extract(provider, {**RECORD, "total": 999.0}, Invoice)
    assert record.missing == ("total",)
    assert [value.path for value in record.evidence if value.start is None] == ["total"]


async def test_what_a_schema_exempts_needs_no_evidence(provider: Provider):
    class Guess(BaseModel):
        mood: str = Field(json_schema_extra={"x-evidence": False})

    assert (await extract(provider, {"mood": "glad"}, Guess)).missing == ()
    assert "x-evidence" not in provider.bodies()[0].decode()


async def test_a_long_text_is_searched_too(provider: Provider):
    text = f"{'word ' * 20_000} 318.40"
    record = await extract(provider, {"total": 318.4}, BARE, text=text, context_tokens=200_000)
    assert record.evidence[0].quote == "318.40"


BARE = {"properties": {"total": {"type": "number"}}}
WHOLE = {"name": "bill", "description": "Record it.", "parameters": {"type": "object", **BARE}}


@pytest.mark.parametrize(
    "schema", [BARE, WHOLE, {"$schema": "https://json-schema.org/draft/2020-12/schema", **BARE}]
)
async def test_a_dict_gives_a_dict(provider: Provider, schema: Any):
    record = await extract(provider, {"total": 318.4}, schema)
    assert record.value == {"total": 318.4}
    [request] = provider.requests
    parameters = request.parsed["tools"][0]["function"]["parameters"]
    assert (parameters["type"], parameters["additionalProperties"]) == ("object", False)


async def test_a_name_is_a_file_in_schemas_tools(provider: Provider, project: Project):
    project.schema("bill", WHOLE)
    assert (await extract(provider, {"total": 318.4}, "bill")).value == {"total": 318.4}
    assert (await extract(provider, {"total": 318.4}, "schemas/tools/bill.json")).value == {"total": 318.4}
    assert len(provider.requests) == 1


@pytest.mark.slow
async def test_what_only_python_refuses_is_an_invalid_reply(provider: Provider):
    class Even(BaseModel):
        total: float

        @field_validator("total")
        @classmethod
        def _even(cls, total: float) -> float:
            raise ValueError("must be even")

    with pytest.raises(docmill.InvalidReply, match="does not satisfy Even") as caught:
        await extract(provider, {"total": 318.4}, Even)
    assert "must be even" in caught.value.body


async def test_a_record_of_another_shape_is_repaired_and_then_invalid(provider: Provider):
    with pytest.raises(docmill.InvalidReply):
        await extract(provider, {"total": "318.40"}, BARE)
    assert len(provider.requests) == 3


async def test_nothing_of_the_models_making_is_ever_an_object(provider: Provider):
    """Prefect's decoder would import what __class__ names."""
    hostile = {"__class__": "pathlib.Path", "data": "/etc/passwd"}
    schema = {"properties": {"x": {"type": "object", "x-evidence": False}}}
    for _ in range(2):
        assert (await extract(provider, {"x": hostile}, schema)).value == {"x": hostile}


# Schemas


class Node(BaseModel):
    inner: "Node | None" = None


class Odd(BaseModel):
    call: Callable[[], None]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (Node, "Node: /: $ref '#/$defs/Node' leads back to itself"),
        (Odd, "Odd: has no JSON Schema"),
        (
            {"properties": {"a": {"tpye": "string"}}},
            "schema: /properties/a: unknown keyword 'tpye'; did you mean type",
        ),
        ({**WHOLE, "parameters": {"tpye": 1}}, "schema: /parameters: unknown keyword"),
        ({"name": "a b", "parameters": {}}, "schema: /name: must be"),
        ({"type": "array"}, "schema: /type: must be 'object'"),
        ({"const": {1, 2}}, "schema: not JSON"),
        (5, "schema: must be a name or path, a JSON Schema as a dict, or a pydantic class, not int"),
        (int, "schema: must be a name or path"),
        ("nowhere", "schema: there is no tool schema 'nowhere' in schemas/tools, schemas or docmill's own"),
    ],
)
def test_a_wrong_schema_says_where_and_what(schema: Any, said: str):
    with pytest.raises(docmill.ConfigError) as caught:
        tool_schema(schema)
    assert said in str(caught.value)


def test_a_class_is_a_tool_of_its_name_and_docstring():
    tool = tool_schema(Invoice)
    assert (tool.name, tool.description) == ("Invoice", "Record the invoice.")
    assert tool_schema(Line).description == "Record the Line."
    assert "$defs" not in tool.parameters
    assert tool.parameters["properties"]["total"]["type"] == "number"
    assert tool.parameters["properties"]["lines"]["items"]["properties"]["price"]["multipleOf"] == 0.01


def test_a_title_that_is_no_tools_name_is_made_one():
    assert tool_schema({"title": "Die Rechnung (neu)", **BARE}).name == "Die_Rechnung_neu"
    assert tool_schema({"title": "請求書", **BARE}).name == "record"


def test_a_property_may_have_the_name_of_a_column():
    """Its record goes into no table."""
    assert tool_schema({"properties": {"run_id": {"type": "string"}}})
