"""Tool schemas as people have them: docmill's own form, OpenAI's, Anthropic's, MCP's, or a bare schema."""

import re
from functools import reduce
from operator import getitem
from typing import Any

from docmill.tasks.checks.subschemas import Pointer

SCHEMA_KEYS = ("parameters", "input_schema", "inputSchema", "schema")
# What may stand beside name and description, and says nothing of a record.
BESIDE = {"type", "strict", "cache_control", "title", "annotations", "outputSchema"}
RULES = "x-rules"
WRAPPERS = ("function", "json_schema")  # `type` says where the tool stands
BARE = {"$ref", "allOf", "anyOf", "oneOf", "properties"}
TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")  # no set: `type` may be a list


def unwrapped(declared: Any, stem: str) -> tuple[dict[str, Any], Pointer]:
    """Give a tool in docmill's own form, and where its schema stands in what is declared.

    A schema without a tool around it is named by its file's stem. Raises ValueError for several tools,
    and for what is none.
    """
    if isinstance(declared, list):
        raise ValueError(f"a list of {len(declared)}: give each tool a file of its own")
    if not isinstance(declared, dict):
        raise ValueError("must be an object: a tool with name, description and parameters, or a JSON Schema")
    wrapper = declared.get("type")
    if wrapper in WRAPPERS and isinstance(declared.get(wrapper), dict):
        tool, at = unwrapped(declared[wrapper], stem)
        return tool, (wrapper, *at)
    key = next((key for key in SCHEMA_KEYS if key in declared), None)
    if key is None and (BARE & declared.keys() or declared.get("type") in TYPES):
        return _ruled(_described({"name": _name(stem), "parameters": declared})), ()
    tool = {name: value for name, value in declared.items() if name not in BESIDE and name != key}
    tool = _described(tool | ({"parameters": declared[key]} if key else {}))
    return _ruled(tool), (key or SCHEMA_KEYS[0],)


def _ruled(tool: dict[str, Any]) -> dict[str, Any]:
    """Take the rules out of the schema, where they may stand as well as beside it."""
    schema = tool.get("parameters")
    if not isinstance(schema, dict) or RULES not in schema or RULES in tool:
        return tool
    rest = {key: value for key, value in schema.items() if key != RULES}
    return {**tool, "parameters": rest, RULES: schema[RULES]}


def rules_at(declared: Any, at: Pointer) -> Pointer:
    """Say where the rules of a tool stand whose schema stands at a place: beside the schema, or in it."""
    beside = RULES in reduce(getitem, at[:-1], declared)
    return (*at[:-1], RULES) if beside else (*at, RULES)


def _name(stem: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]+", "_", stem)[:64]


def _described(tool: dict[str, Any]) -> dict[str, Any]:
    """Add the description that it lacks: its schema's own, its title, or the words of its name."""
    if "description" in tool or not isinstance(name := tool.get("name"), str):
        return tool
    schema = tool.get("parameters")
    said = [schema.get(key) for key in ("description", "title")] if isinstance(schema, dict) else []
    words = " ".join(re.split(r"[-_\s]+", name)).strip().capitalize()
    return tool | {"description": next((each for each in said if isinstance(each, str) and each), words)}
