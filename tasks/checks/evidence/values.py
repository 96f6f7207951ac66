"""The values of a record that must occur in its document: all that its schema does not exempt."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docmill.tasks.checks.faults import Path
from docmill.tasks.checks.subschemas import EXEMPTION, Schema

UNNAMED = "*"  # in what may be logged it stands for a key that the model chose


@dataclass(frozen=True)
class Value:
    """A string or number of a record; `named` is its path without keys that the schema does not name.

    `format` is the schema's, where it is a date's or a time's.
    """

    path: Path
    named: Path
    value: str | int | float
    format: str | None = None


def values(record: Any, schema: Schema) -> Iterator[Value]:
    """Give the values that need evidence, in their order; keys that the schema does not name are values."""
    yield from _within(record, [schema], (), ())


def _within(value: Any, schemas: list[Any], path: Path, named: Path) -> Iterator[Value]:
    holding = [each for schema in schemas for each in holding_for(schema, value)]
    if value is None or isinstance(value, bool) or _is_exempt(value, holding):
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            declared = any(key in schema.get("properties", {}) for schema in holding)
            below = (*path, key), (*named, key if declared else UNNAMED)
            if not declared and not _is_exempt(key, [_names(schema) for schema in holding]):
                yield Value(*below, key)
            yield from _within(inner, of_property(holding, key), *below)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            below = (*path, index), (*named, index)
            yield from _within(inner, [of_item(schema, index) for schema in holding], *below)
    else:
        formats = (schema["format"] for schema in holding if "format" in schema)
        yield Value(path, named, value, next(formats, None))


def _is_exempt(value: Any, schemas: list[Any]) -> bool:
    return any(
        schema.get(EXEMPTION) is False or value in schema.get("enum", ()) or schema.get("const") == value
        for schema in schemas
        if isinstance(schema, dict)
    )


def holding_for(schema: Any, value: Any) -> Iterator[Schema]:
    """Give the schema and those within it that hold for this value."""
    if not isinstance(schema, dict):
        return
    yield schema
    inner = list(schema.get("allOf", ()))
    inner += [each for key in ("anyOf", "oneOf") for each in schema.get(key, ()) if _fits(value, each)]
    if "if" in schema:
        inner.append(schema.get("then" if _fits(value, schema["if"]) else "else"))
    if isinstance(value, dict):
        inner += [each for name, each in schema.get("dependentSchemas", {}).items() if name in value]
    for each in inner:
        yield from holding_for(each, value)


def _fits(value: Any, schema: Any) -> bool:
    from referencing import Registry

    from docmill.tasks.checks.dialect import FORMATS, Dialect

    return bool(Dialect(schema, registry=Registry(), format_checker=FORMATS).is_valid(value))


def of_property(schemas: list[Schema], key: str) -> list[Any]:
    """Give the schemas of a property of an object that all of these hold for."""
    return [each for schema in schemas for each in _named(schema, key)]


def _named(schema: Schema, key: str) -> list[Any]:
    named = [schema["properties"][key]] if key in schema.get("properties", {}) else []
    if patterns := schema.get("patternProperties"):
        from docmill.tasks.checks.dialect import expression

        named += [each for pattern, each in patterns.items() if expression(pattern).search(key)]
    others = [schema.get("additionalProperties"), schema.get("unevaluatedProperties")]
    return named or others


def of_item(schema: Schema, index: int) -> Any:
    """Give the schema of an array's item."""
    first = schema.get("prefixItems", [])
    return first[index] if index < len(first) else schema.get("items", schema.get("unevaluatedItems"))


def _names(schema: Schema) -> Any:
    return schema.get("propertyNames")
