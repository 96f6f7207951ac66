"""What an endpoint's mapping changes of a request, of its hash and of its cache key."""

import json
from decimal import Decimal
from typing import Any

import pytest

from docmill.flows.pipeline.hashes import surroundings
from docmill.schemas.endpoint import LOCAL, Endpoint, Prices, Target
from docmill.schemas.steps import Extract, Summarize
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.key import cache_key
from docmill.tasks.chat.prices import cost_usd
from docmill.tasks.chat.usage import Tokens
from docmill.tasks.checks.subschemas import is_strict
from docmill.tasks.steps.kind import kind

CLOSED = {"type": "object", "additionalProperties": False}
ONE = {**CLOSED, "properties": {"a": {"type": "string"}}, "required": ["a"]}
OPTIONAL = {**ONE, "required": []}
NESTED = {**CLOSED, "properties": {"a": OPTIONAL}, "required": ["a"]}
LISTED = {**CLOSED, "properties": {"a": {"type": "array", "items": {"type": "object"}}}, "required": ["a"]}


def target(**mapping: Any) -> Target:
    endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", **mapping)
    return Target(name="t", endpoint=endpoint, model="m", identity="t")


def request(schema: Any = None, **mapping: Any) -> dict[str, Any]:
    """Build the request of a step: an extract of a schema, else a summary."""
    whole = bytes(body(schema, **mapping))
    return dict(json.loads(whole))


def body(schema: Any = None, **mapping: Any) -> bytes:
    if schema is None:
        return kind("summarize").request("text", Summarize(), None, target(**mapping))
    tool = ToolSchema(id="t", name="t", description="d", parameters=schema)
    return kind("extract").request("text", Extract(schema="t"), tool, target(**mapping))


def test_the_limit_goes_by_the_name_that_the_endpoint_takes():
    assert request()["max_tokens"] == 364
    asked = request(max_tokens_name="max_completion_tokens")
    assert asked["max_completion_tokens"] == 364
    assert "max_tokens" not in asked


@pytest.mark.parametrize(
    ("schema", "strict"), [(ONE, True), (OPTIONAL, False), (NESTED, False), (LISTED, False), ({}, True)]
)
def test_a_schema_is_strict_where_every_property_is_required_and_none_is_open(schema: Any, strict: bool):
    assert is_strict(schema) is strict
    form = request(schema, structured_output="json_schema")["response_format"]["json_schema"]
    assert form["strict"] is strict


@pytest.mark.parametrize("strict", [True, False])
def test_strict_is_what_the_mapping_says(strict: bool):
    for schema in (ONE, OPTIONAL):
        asked = request(schema, structured_output="json_schema", strict=strict)
        assert asked["response_format"]["json_schema"]["strict"] is strict


def test_what_was_paid_for_as_strict_is_found_again():
    keys = {
        cache_key(body(OPTIONAL, structured_output="json_schema", strict=strict), None, "t")
        for strict in (True, False, "auto")
    }
    assert len(keys) == 1


def test_a_key_that_says_what_was_always_so_changes_no_hash():
    usual = surroundings(target())
    assert surroundings(target(max_tokens_name="max_tokens", strict="auto")) == usual
    assert surroundings(target(strict=True)) == usual
    assert surroundings(target(max_tokens_name="max_completion_tokens")) != usual
    assert surroundings(target(strict=False)) != usual


def test_the_embedded_model_is_asked_as_it_always_was():
    assert LOCAL.strict is True


def test_cached_input_has_its_own_price():
    prices = Prices(input=Decimal(10), output=Decimal(0), cached_input=Decimal(1))
    assert cost_usd(target(prices=prices), Tokens(1_000_000, 0, cached=900_000)) == pytest.approx(1.9)
    whole = Prices(input=Decimal(10), output=Decimal(0))
    assert cost_usd(target(prices=whole), Tokens(1_000_000, 0, cached=900_000)) == pytest.approx(10)
    listed = Target(
        name="t", endpoint=Endpoint(base_url="http://127.0.0.1:9/v1"), model="gpt-4o", identity="t"
    )
    assert cost_usd(listed, Tokens(10_000, 0, cached=9_000)) == pytest.approx(0.01375)


def test_what_a_cache_takes_in_has_its_own_price():
    prices = Prices(input=Decimal(10), output=Decimal(0), cached_input=Decimal(1), cache_write=Decimal(20))
    tokens = Tokens(1_000_000, 0, cached=500_000, kept=100_000)
    assert cost_usd(target(prices=prices), tokens) == pytest.approx(0.5 + 2 + 4)
    whole = Prices(input=Decimal(10), output=Decimal(0))
    assert cost_usd(target(prices=whole), tokens) == pytest.approx(10)
    listed = Target(
        name="t",
        endpoint=Endpoint(base_url="http://127.0.0.1:9/v1"),
        model="claude-3-5-haiku-20241022",
        identity="t",
    )
    assert cost_usd(listed, Tokens(1_000, 0, cached=400, kept=300)) == pytest.approx(0.000572)


def test_what_the_server_books_comes_before_any_price():
    prices = Prices(input=Decimal(10), output=Decimal(10))
    assert cost_usd(target(prices=prices), Tokens(1_000, 1_000, billed_usd=0.25)) == 0.25
    assert cost_usd(target(), Tokens(1_000, 1_000, billed_usd=0.0)) == 0


def test_a_summary_is_bounded_by_a_multiple_of_its_words():
    assert kind("summarize").longest(Summarize(max_words=40)) == 1600
    assert kind("summarize").longest(Summarize(max_words=40, sentences=10)) == 24_000
    assert kind("extract").longest(Extract(schema="t")) is None
