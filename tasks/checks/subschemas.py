"""Which keywords of a JSON Schema hold further schemas: the one place that knows how to walk one."""

from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]
Pointer = tuple[str, ...]

EXEMPTION = "x-evidence"  # docmill's own keyword: false where values need not stand in the document
COMPLETENESS = "x-complete"  # false where an array may leave out rows, or the headings of the tables meant
ITEM_TABLE = "x-table"  # true where the items of a record's array have a table of their own
OWN = (EXEMPTION, COMPLETENESS, ITEM_TABLE)

ONE = {
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
}
LISTED = {"allOf", "anyOf", "oneOf", "prefixItems"}
NAMED = {"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"}


def walk(schema: Any, at: Pointer = ()) -> Iterator[tuple[Pointer, Schema]]:
    """Give a schema and all schemas within it, each with its place; true and false are left out."""
    if not isinstance(schema, dict):
        return
    yield at, schema
    for keyword, value in schema.items():
        for inner, subschema in _within(keyword, value):
            yield from walk(subschema, (*at, keyword, *inner))


def mapped(schema: Schema, change: Callable[[str, Any], Any]) -> Schema:
    """Copy a schema with `change(keyword, subschema)` in the place of each schema right below it."""
    return {keyword: _changed(keyword, value, change) for keyword, value in schema.items()}


def without(schema: Any, keyword: str) -> Any:
    """Copy a schema without a keyword, at every depth; a property of that name stays."""
    if not isinstance(schema, dict):
        return schema
    kept = mapped(schema, lambda _, subschema: without(subschema, keyword))
    return {key: value for key, value in kept.items() if key != keyword}


def is_strict(schema: Any) -> bool:
    """Say whether servers take a schema as strict: every property is required, and no object is open."""
    objects = (each for _, each in walk(schema) if "properties" in each or "object" in types(each))
    return all(
        each.get("additionalProperties") is False
        and set(each.get("required", ())) == set(each.get("properties", ()))
        for each in objects
    )


def types(schema: Schema) -> list[Any]:
    """List the types that a schema names itself."""
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def alternatives(schema: Any) -> Iterator[Schema]:
    """Give a schema and its alternatives, whatever the value."""
    if isinstance(schema, dict):
        yield schema
        for keyword in ("allOf", "anyOf", "oneOf"):
            for each in schema.get(keyword, ()):
                yield from alternatives(each)


def written(at: Pointer) -> str:
    """Write a place as a JSON pointer (RFC 6901)."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in at)


def _within(keyword: str, value: Any) -> Iterator[tuple[Pointer, Any]]:
    if keyword in ONE:
        yield (), value
    elif keyword in LISTED:
        yield from (((str(index),), item) for index, item in enumerate(value))
    elif keyword in NAMED:
        yield from (((name,), item) for name, item in value.items())


def _changed(keyword: str, value: Any, change: Callable[[str, Any], Any]) -> Any:
    if keyword in ONE:
        return change(keyword, value)
    if keyword in LISTED:
        return [change(keyword, item) for item in value]
    if keyword in NAMED:
        return {name: change(keyword, item) for name, item in value.items()}
    return value
