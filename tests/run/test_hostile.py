"""Hostile replies and schemas: a typed error within seconds, while the other documents go on."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.connection import Reply
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import Shape, saying

pytestmark = pytest.mark.usefixtures("prefect_api")
WITHIN_S = 2.0
DEEP = 10_000
SCHEMA: dict[str, Any] = {
    "name": "open",
    "description": "Extract all.",
    "parameters": {
        "type": "object",
        "properties": {
            "code": {"type": "string", "pattern": "^(a+)+$"},
            "tree": {"type": ["array", "null"]},
        },
        "required": ["code"],
    },
}


HOSTILE: dict[str, Shape] = {
    "10 MB of arguments": saying(json.dumps({"code": "a" * 10_000_000})),
    "10,000 levels": saying('{"code": "a", "tree": ' + "[" * DEEP + "]" * DEEP + "}"),
    "10,000 levels of the reply itself": Reply(200, (b'{"choices": ' + b"[" * DEEP + b"]" * DEEP + b"}",)),
    "a pattern that backtracks": saying(json.dumps({"code": "a" * 100_000 + "!"})),
    "a number of a million digits": saying('{"code": ' + "9" * 1_000_000 + "}"),
    "a million keys": saying("{" + ",".join(f'"{number}": 1' for number in range(300_000)) + "}"),
    "keys given twice": saying('{"code": "a", "code": "aa"}'),
    "20 MB of a reply": Reply(200, (b" " * 20_000_000,)),
}


def _hostile_to(document: str, shape: Shape) -> Callable[[Any], Shape | None]:
    return lambda request: shape if document in request.text else None


@pytest.mark.slow
@pytest.mark.parametrize("shape", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_reply_costs_its_own_document_alone(project: Project, provider: Provider, shape: Shape):
    project.schema("open", SCHEMA)
    project.documents(bad="hostile", **{f"d{number:02}": f"text aaa {number}" for number in range(12)})
    provider.rule(_hostile_to("hostile", shape))
    good = saying('{"code": "aaa"}')
    provider.always(good)
    pipeline = str(project.pipeline(provider.url, "  - extract: {schema: open}\n"))
    began = time.process_time()  # not what other processes take meanwhile
    assert project.run("run", pipeline) == 1
    took_s = time.process_time() - began
    statuses = project.statuses()
    assert statuses.pop("in/bad.txt") in ("invalid", "deferred")
    assert set(statuses.values()) == {"done"}
    attempts = sum("hostile" in request.text for request in provider.requests)
    assert took_s / attempts < WITHIN_S + 1  # the run itself takes a second


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "#"}, "leads back to itself"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "itself"),
        ({"properties": {"a": {"pattern": r"(?=a)b"}}}, "RE2"),
        ({"properties": {"a": {"pattern": r"(a)\1"}}}, "RE2"),
        ({"properties": {"a": {"$ref": "https://example.com/s.json"}}}, "never fetched"),
    ],
)
def test_a_hostile_schema_is_refused_before_anything_is_sent(
    project: Project, provider: Provider, schema: Any, said: str, capfd: pytest.CaptureFixture[str]
):
    project.schema("open", {**SCHEMA, "parameters": {"type": "object", **schema}})
    project.documents(a="text")
    began = time.monotonic()
    assert project.run("run", str(project.pipeline(provider.url, "  - extract: {schema: open}\n"))) == 2
    assert time.monotonic() - began < WITHIN_S
    assert said in capfd.readouterr().err
    assert not provider.requests


def test_a_schema_of_10_000_levels_is_refused(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    deep = '{"type": "array", "items": ' * DEEP + "{}" + "}" * DEEP
    whole = json.dumps(SCHEMA).replace('{"type": ["array", "null"]}', deep)
    (project.root / "schemas" / "tools" / "open.json").write_text(whole)
    project.documents(a="text")
    assert project.run("run", str(project.pipeline(provider.url, "  - extract: {schema: open}\n"))) == 2
    assert "nested deeper than" in capfd.readouterr().err


def test_a_document_over_the_context_is_failed_with_both_numbers_before_any_call(
    project: Project, provider: Provider
):
    project.documents(long="word " * 3000, short="word")
    endpoint = f"{{base_url: '{provider.url}', context_tokens: 2000, max_output_tokens: 500}}"
    assert project.run("run", str(project.pipeline(endpoint, "  - summarize: {max_tokens: 100}\n"))) == 1
    [(error,)] = project.rows("select error from docmill_outcomes where status = 'failed'")
    assert error.startswith("summarize: too long: about 5,")
    assert "takes 2,000" in error
    assert len(provider.requests) == 1
