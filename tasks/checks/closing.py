"""Objects that do not say whether they admit further properties are made to say no."""

from collections.abc import Iterator
from typing import Any

from docmill.tasks.checks.subschemas import Schema, mapped

CONDITIONS = {"not", "if"}
BRANCHES = {"allOf", "then", "else", "dependentSchemas"}
ALTERNATIVES = {"anyOf", "oneOf"}
SAYING = {"additionalProperties", "unevaluatedProperties"}


def closed(schema: Any) -> Any:
    """Copy a schema with each object that lists properties closed to others, unless it says.

    An object whose branches (allOf, then, …) name properties of their own is closed as a whole, by
    unevaluatedProperties. Nothing within a branch or a condition is changed: it would mean something else.
    """
    if not isinstance(schema, dict):
        return schema
    combined = not schema.keys().isdisjoint({"properties", *BRANCHES, *CONDITIONS})
    untouched = BRANCHES | CONDITIONS | (ALTERNATIVES if combined else set())
    result = mapped(schema, lambda keyword, part: part if keyword in untouched else closed(part))
    parts = list(_in_place(schema))
    if not _is_object(schema) or SAYING & schema.keys() or not any("properties" in part for part in parts):
        return result
    elsewhere = parts[1:]
    named = {name for part in elsewhere for name in part.get("properties", {})}
    open_elsewhere = any(part.keys() & {*SAYING, "patternProperties"} for part in elsewhere)
    if named <= schema.get("properties", {}).keys() and not open_elsewhere:
        return result | {"additionalProperties": False}
    if any("patternProperties" in part for part in parts):
        return result  # jsonschema backtracks where both stand together
    return result | {"unevaluatedProperties": False}


def _is_object(schema: Schema) -> bool:
    declared = schema.get("type")
    return declared == "object" or (isinstance(declared, list) and "object" in declared)


def _in_place(schema: Any) -> Iterator[Schema]:
    """Give the schema and those within it that describe the same object."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword in (*sorted(BRANCHES | ALTERNATIVES), "if"):
        part = schema.get(keyword, [])
        if keyword == "dependentSchemas" and part:
            part = list(part.values())
        for subschema in part if isinstance(part, list) else [part]:
            yield from _in_place(subschema)
