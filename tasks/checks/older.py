"""JSON Schemas of older drafts, of OpenAPI and of pydantic's Decimal, as Draft 2020-12 says the same."""

from typing import Any

from docmill.tasks.checks.subschemas import Schema, mapped

DRAFTS = {
    f"{scheme}://json-schema.org/{draft}/schema"
    for scheme in ("http", "https")
    for draft in ("draft-04", "draft-06", "draft-07", "draft/2019-09", "draft/2020-12")
}
LOOKS_AROUND = ("(?=", "(?!", "(?<=", "(?<!")  # RE2 has none of them
COMBINED = {"$ref", "allOf", "anyOf", "const", "oneOf"}
NOTES = ("title", "description", "default")


def translated(schema: Any) -> Any:
    """Copy a schema as one of Draft 2020-12; one of that draft stays as it is.

    What is malformed is left to the lint.
    """
    if not isinstance(schema, dict):
        return schema
    try:
        for change in (_draft, _items, _dependencies, _limits, _decimal, _nullable):
            schema = change(schema)
        return mapped(schema, lambda _, subschema: translated(subschema))
    except (AttributeError, TypeError):
        return schema


def _draft(schema: Schema) -> Schema:
    known = str(schema.get("$schema")).rstrip("#") in DRAFTS
    return _without(schema, "$schema") if known else schema


def _items(schema: Schema) -> Schema:
    """`items` as a list is prefixItems now, and what `additionalItems` says stands in `items`."""
    if not isinstance(schema.get("items"), list):
        return _without(schema, "additionalItems")  # it means nothing then
    further = {"items": schema["additionalItems"]} if "additionalItems" in schema else {}
    return _without(schema, "items", "additionalItems") | {"prefixItems": schema["items"]} | further


def _dependencies(schema: Schema) -> Schema:
    """`dependencies` is dependentRequired for lists of names, and dependentSchemas for schemas."""
    if "dependencies" not in schema:
        return schema
    parts: dict[str, dict[str, Any]] = {"dependentRequired": {}, "dependentSchemas": {}}
    for name, value in schema["dependencies"].items():
        parts["dependentRequired" if isinstance(value, list) else "dependentSchemas"][name] = value
    added = {keyword: schema.get(keyword, {}) | part for keyword, part in parts.items() if part}
    return _without(schema, "dependencies") | added


def _limits(schema: Schema) -> Schema:
    """Draft 4 and OpenAPI 3.0 say of `minimum` and `maximum` whether they are exclusive."""
    for plain, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        said = schema.get(exclusive)
        if isinstance(said, bool):
            schema = _without(schema, exclusive)
            if said and plain in schema:
                schema = _without(schema, plain) | {exclusive: schema[plain]}
    return schema


def _decimal(schema: Schema) -> Schema:
    """Of pydantic's Decimal, a number or a text whose pattern looks around, the number is asked for."""
    parts: list[Any] = schema.get("anyOf", [])
    if not any(isinstance(part, dict) and part.get("type") == "number" for part in parts):
        return schema
    kept = [part for part in parts if not _looks_around(part)]
    if len(kept) > 1 or kept[0].keys() & schema.keys():
        return schema | {"anyOf": kept}
    alone: Schema = kept[0]
    return alone | _without(schema, "anyOf")


def _looks_around(part: Any) -> bool:
    text = isinstance(part, dict) and part.get("type") == "string"
    return text and any(sign in part.get("pattern", "") for sign in LOOKS_AROUND)


def _nullable(schema: Schema) -> Schema:
    """OpenAPI 3.0 says `nullable` where JSON Schema lists null among the types."""
    if not isinstance(schema.get("nullable"), bool):
        return schema
    rest = _without(schema, "nullable")
    if not schema["nullable"]:
        return rest
    if isinstance(rest.get("type"), str) and not COMBINED & rest.keys():
        values = {"enum": [*rest["enum"], None]} if None not in rest.get("enum", [None]) else {}
        return rest | {"type": [rest["type"], "null"]} | values
    notes = {key: rest[key] for key in NOTES if key in rest}
    return {"anyOf": [_without(rest, *notes), {"type": "null"}]} | notes


def _without(schema: Schema, *keywords: str) -> Schema:
    return {key: value for key, value in schema.items() if key not in keywords}
