"""The fields that a record may have, as its tool schemas declare them: what labels may name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from docmill.tasks.checks.subschemas import Schema, alternatives, types

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """A value's place in a schema: an object has properties, an array items, and any other a comparison."""

    comparison: str = "exact"
    properties: "dict[str, Field]" = field(default_factory=dict)
    items: "Field | None" = None

    def __or__(self, other: "Field") -> "Field":
        """Join what two schemas say of one place; where they differ, values are compared as they are."""
        joined = dict(self.properties)
        for name, inner in other.properties.items():
            joined[name] = joined[name] | inner if name in joined else inner
        items = self.items | other.items if self.items and other.items else self.items or other.items
        return Field(self.comparison if self.comparison == other.comparison else "exact", joined, items)

    def at(self, keys: Keys) -> "Field | None":
        """Find a place below; a number stands for an item. None where there is no such place."""
        if not keys:
            return self
        key, *rest = keys
        inner = self.items if self.items and key.isdecimal() else self.properties.get(key)
        return inner.at(tuple(rest)) if inner else None

    def named(self) -> Iterator[Keys]:
        """Name the places below that hold values, in their order."""
        for name, inner in self.properties.items():
            below = list((inner.items or inner).named())
            yield from ((name, *rest) for rest in below or [()])


def of_schemas(schemas: Iterable[Schema]) -> Field:
    """Join the fields of several tool schemas, each without references."""
    found = Field()
    for schema in schemas:
        found |= of_schema(schema)
    return found


def of_names(names: Iterable[str]) -> Field:
    """Take the names of fields of which nothing else is known."""
    return Field(properties={name: Field() for name in names})


def of_schema(schema: Any) -> Field:
    """Read a schema's properties, items and type, those of its alternatives too."""
    parts = list(alternatives(schema))
    found = Field(_comparison(parts))
    for part in parts:
        properties = {name: of_schema(inner) for name, inner in part.get("properties", {}).items()}
        items = of_schema(part["items"]) if isinstance(part.get("items"), dict) else None
        found |= Field(found.comparison, properties, items)
    return found


def _comparison(parts: list[Schema]) -> str:
    kinds = {kind for part in parts for kind in types(part)}
    if any("enum" in part or "const" in part for part in parts):
        return "exact"
    if kinds & {"number", "integer"}:
        return "number"
    if any(part.get("format") == "date" for part in parts):
        return "date"
    return "text" if "string" in kinds else "exact"
