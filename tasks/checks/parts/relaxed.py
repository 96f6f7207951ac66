"""The schema of a part: as its tool's, but that a part need not say everything."""

from collections.abc import Iterator
from typing import Any

from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.subschemas import Schema, types

# What holds of the whole record, and need not of what one part says of it.
OF_WHOLE = {
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "minItems",
    "minProperties",
    "required",
    "then",
}
LISTED = ("allOf", "anyOf")


def part_tool(tool: ToolSchema) -> ToolSchema:
    """Make the tool that takes what a part says: all may be left out, but for what items of arrays need."""
    parameters, marked = relaxed(tool.parameters), relaxed(tool.marked)
    return tool.model_copy(update={"parameters": parameters, "marked": marked, "rules": ()})


def relaxed(schema: Any) -> Any:
    """Copy a schema in which no property is required; within arrays it stays as it is."""
    if not isinstance(schema, dict):
        return schema
    kept = {keyword: value for keyword, value in schema.items() if keyword not in OF_WHOLE}
    if "oneOf" in kept and "anyOf" not in kept:  # without what they require, several may hold
        kept["anyOf"] = kept.pop("oneOf")
    for keyword in LISTED:
        if keyword in kept:
            kept[keyword] = [relaxed(each) for each in kept[keyword]]
    named = {name: each for branch in _branches(schema) for name, each in _properties(branch).items()}
    if properties := named | _properties(schema):
        kept["properties"] = {name: relaxed(each) for name, each in properties.items()}
    return kept


def filled(record: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Give a record with null, or an empty array, for what it has to have and no part has said."""
    made = dict(record)
    for name in schema.get("required", ()):
        declared = _properties(schema).get(name)
        if name in made or not isinstance(declared, dict):
            continue
        kinds = _kinds(declared)
        if "null" in kinds:
            made[name] = None
        elif "array" in kinds:
            made[name] = []
        elif "object" in kinds:
            made[name] = {}
    for name, value in made.items():
        if isinstance(value, dict) and isinstance(declared := _properties(schema).get(name), dict):
            made[name] = filled(value, declared)
    return made


def _branches(schema: Schema) -> Iterator[Any]:
    """Give the conditional schemas of the same object: their properties may be there."""
    yield from (schema.get(keyword) for keyword in ("then", "else"))
    yield from schema.get("dependentSchemas", {}).values()


def _properties(schema: Any) -> dict[str, Any]:
    return dict(schema.get("properties", {})) if isinstance(schema, dict) else {}


def _kinds(schema: Schema) -> set[Any]:
    inner = [each for key in ("anyOf", "oneOf") for each in schema.get(key, ()) if isinstance(each, dict)]
    listed = {"null"} if None in schema.get("enum", ()) else set()
    return set(types(schema)) | listed | {kind for each in inner for kind in _kinds(each)}
