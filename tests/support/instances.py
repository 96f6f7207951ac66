"""Builds a value that satisfies a JSON Schema, so that the provider's model is always right."""

import re
from typing import Any

FORMATS = {
    "date": "2024-01-31",
    "date-time": "2024-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "P1D",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "uuid": "6f0b4f3e-4d4b-4c57-8f0a-0d7e7f1f2b10",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
CANDIDATES = (
    "Example",
    "EUR",
    "DE",
    "e",
    "E-1",
    "INV-1",
    "12345",
    "+49 30 123456",
    "DE123456789",
    "DE89370400440532013000",
    "2024-01-31",
    "12:00",
)


def instance(schema: Any, root: Any = None) -> Any:
    """Build the first value that comes to mind; ValueError where a `pattern` needs an `examples`."""
    root = schema if root is None else root
    if not isinstance(schema, dict):
        return "anything"
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("enum", "examples"):
        if schema.get(key):
            return schema[key][0]
    if "$ref" in schema:
        return instance(_target(schema["$ref"], root), root)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return instance({**schema[key][0], **_without(schema, key)}, root)
    return _by_type(schema, root)


def _by_type(schema: dict[str, Any], root: Any) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    builders = {"object": _object, "array": _array, "string": _string}
    if kind in builders:
        return builders[kind](schema, root)
    if kind in ("number", "integer"):
        return _number(schema)
    return {"boolean": True, "null": None}[kind]


def _object(schema: dict[str, Any], root: Any) -> dict[str, Any]:
    properties = schema.get("properties", {})
    names = [*properties, *(name for name in schema.get("required", []) if name not in properties)]
    return {name: instance(properties.get(name, {}), root) for name in names}


def _array(schema: dict[str, Any], root: Any) -> list[Any]:
    return [instance(schema.get("items", {}), root)] * schema.get("minItems", 0)


def _string(schema: dict[str, Any], _: Any) -> str:
    if "format" in schema:
        return FORMATS[schema["format"]]
    if "pattern" in schema:
        fitting = (text for text in CANDIDATES if re.search(schema["pattern"], text))
        if found := next(fitting, None):
            return found
        raise ValueError(f"no candidate fits {schema['pattern']!r}: give the schema `examples`")
    longest: int = schema.get("maxLength", len("Example"))
    return "Example"[:longest].ljust(schema.get("minLength", 0), "e")


def _number(schema: dict[str, Any]) -> float:
    step = schema.get("multipleOf", 1)
    lowest = schema.get("minimum", schema.get("exclusiveMinimum", step - 1) + step)
    number: float = min(lowest, schema.get("maximum", lowest))
    return number


def _target(reference: str, root: Any) -> Any:
    for part in reference.removeprefix("#").strip("/").split("/"):
        root = root[part.replace("~1", "/").replace("~0", "~")]
    return root


def _without(schema: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name != key}
