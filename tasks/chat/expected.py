"""What a request's reply must be, read out of the request before it is sent."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.request import limit_of
from docmill.tasks.checks.validation import validator

LONGEST_CHARS = 4_000_000
CHARS_A_TOKEN = 128  # of the longest tokens that there are: blanks, lines
OBJECT = {"type": "object"}  # a tool may leave its parameters out


@dataclass(frozen=True)
class Expected:
    """What a request's reply must be: the call of a tool, JSON, or (schema None) free text.

    `offered` are the tools that the model may call instead, each with its schema; where `required` it
    has to call one. `choices` is how many answers were asked for, and `longest` how many characters a
    free text may have.
    """

    tool: str | None
    schema: str | None
    offered: Mapping[str, str] = field(default_factory=dict)
    required: bool = False
    choices: int = 1
    longest: int = LONGEST_CHARS

    @classmethod
    def of(cls, request: dict[str, Any], schema: str | None, longest: int | None = None) -> "Expected":
        """Read it out of the request; `schema` and `longest` are what its body does not carry.

        Raises ConfigError for a request whose reply could not be judged.
        """
        choices = request.get("n") or 1
        if request.get("tools") and isinstance(request.get("tool_choice"), dict):
            name = request["tool_choice"].get("function", {}).get("name")
            tools = [tool.get("function", {}) for tool in request["tools"]]
            forced = next((tool for tool in tools if name and tool.get("name") == name), None)
            if forced is None:
                raise ConfigError(f"the request forces the tool {name!r}, which it does not declare")
            declared = json.dumps(forced.get("parameters", OBJECT))
            expected = cls(tool=name, schema=declared, choices=choices)
        else:
            declared = _member(_member(request.get("response_format"), "json_schema"), "schema")
            wanted = schema if declared is None else json.dumps(declared)
            expected = cls(
                tool=None,
                schema=wanted,
                offered=_offered(request),
                required=request.get("tool_choice") == "required",
                choices=choices,
                longest=min(longest or LONGEST_CHARS, _most_chars(request)),
            )
        for judged in (expected.schema, *expected.offered.values()):
            if judged is not None:
                judge_of(judged)
        return expected


@lru_cache(maxsize=64)
def judge_of(schema: str) -> Any:
    """Build the validator of a schema that is given as JSON; raises ConfigError where it is wrong."""
    try:
        declared = json.loads(schema)
    except ValueError as error:
        raise ConfigError(f"the schema is not JSON: {error}") from None
    return validator(declared)


def _offered(request: dict[str, Any]) -> dict[str, str]:
    """Give the tools that the request leaves to the model, each with its schema as JSON."""
    if request.get("tool_choice") == "none":
        return {}
    functions = [tool.get("function", {}) for tool in request.get("tools") or []]
    return {
        each["name"]: json.dumps(each.get("parameters") or OBJECT) for each in functions if "name" in each
    }


def _most_chars(request: dict[str, Any]) -> int:
    limit = limit_of(request)
    return CHARS_A_TOKEN * limit if limit else LONGEST_CHARS


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
