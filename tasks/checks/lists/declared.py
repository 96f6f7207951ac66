"""Which arrays of a tool schema can be asked for apart from the rest, and what their items are."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.subschemas import EXEMPTION, OWN, Schema, types
from docmill.tasks.checks.subschemas import without as without_keyword

# Keywords that say nothing of how values depend on each other: where there are others, no array is taken out.
NOTES = {"title", "description", "$comment", "examples", "default", "deprecated", *OWN}
OF_OBJECT = {"type", "properties", "required", "additionalProperties", *NOTES}
OF_ARRAY = {"type", "items", "minItems", "maxItems", *NOTES}
SCALARS = {"string", "integer", "number", "boolean", "null"}


@dataclass(frozen=True)
class Declared:
    """An array at the top of a record; `items` is the schema of its items, and `most` how many it takes."""

    name: str
    items: Schema
    fewest: int
    most: int | None

    @property
    def of_strings(self) -> bool:
        """Say whether its items are texts, so that one column has them."""
        return "properties" not in self.items

    @property
    def properties(self) -> dict[str, Schema]:
        """What a column may stand for: the properties of an item, or the array where it is of texts."""
        return {self.name: self.items} if self.of_strings else dict(self.items["properties"])

    @property
    def required(self) -> frozenset[str]:
        """Those that every item has."""
        return frozenset({self.name}) if self.of_strings else frozenset(self.items.get("required", ()))

    @property
    def is_plain(self) -> bool:
        """Say whether each value of an item is one that a cell can hold, whatever the others are."""
        keys = self.items.keys() <= OF_OBJECT or self.of_strings
        return keys and all(kinds(each) and kinds(each) <= SCALARS for each in self.properties.values())

    def inferred(self, name: str) -> bool:
        """Say whether a property's value need not stand in the document: a model may have to judge."""
        parts = alternatives(self.properties[name])
        return any(part.get(EXEMPTION) is False or "enum" in part or "const" in part for part in parts)

    def item(self, values: Mapping[str, Any]) -> Any:
        """Make an item of the values of its properties."""
        return values[self.name] if self.of_strings else dict(values)


def declared(tool: ToolSchema) -> dict[str, Declared]:
    """Find the arrays of objects or of texts at the top of a tool schema, by their names."""
    root = tool.marked or tool.parameters
    if not root.keys() <= OF_OBJECT or root.get(EXEMPTION) is False:
        return {}
    found = {name: _array(name, schema) for name, schema in root.get("properties", {}).items()}
    return {name: each for name, each in found.items() if each}


def without(tool: ToolSchema, names: frozenset[str]) -> ToolSchema:
    """Leave arrays out of a tool schema."""
    return tool.model_copy(
        update={
            "parameters": _less(tool.parameters, names),
            "marked": _less(tool.marked, names),
        }
    )


def sent(schema: Schema) -> Schema:
    """Leave docmill's own keywords out of a schema."""
    found: Schema = reduce(without_keyword, OWN, schema)
    return found


def alternatives(schema: Any) -> list[Schema]:
    """List a schema and its alternatives, whatever the value."""
    if not isinstance(schema, dict):
        return []
    inner = [each for key in ("anyOf", "oneOf", "allOf") for each in schema.get(key, ())]
    return [schema, *(part for each in inner for part in alternatives(each))]


def kinds(schema: Any) -> set[str]:
    """Name the JSON types that a schema admits; of what lists its values alone, theirs."""
    found: set[str] = set()
    for part in alternatives(schema):
        said = part.get("type", [])
        found.update([said] if isinstance(said, str) else said)
        listed = [*part.get("enum", ()), *([part["const"]] if "const" in part else [])]
        found.update(_kind(value) for value in listed if "type" not in part)
    return found


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {int: "integer", float: "number", str: "string", list: "array"}.get(type(value), "object")


def _array(name: str, schema: Any) -> Declared | None:
    parts = [part for part in alternatives(schema) if "array" in types(part)]
    others = [
        part for part in alternatives(schema) if part not in parts and types(part) not in ([], ["null"])
    ]
    if len(parts) != 1 or others or not parts[0].keys() <= OF_ARRAY or not isinstance(schema, dict):
        return None
    [array] = parts
    if array is not schema and not schema.keys() <= {"anyOf", "oneOf", *NOTES}:
        return None
    items = array.get("items")
    if not isinstance(items, dict) or any(part.get(EXEMPTION) is False for part in (schema, array, items)):
        return None
    if items.get("properties") if "object" in types(items) else types(items) == ["string"]:
        return Declared(name, items, array.get("minItems", 0), array.get("maxItems"))
    return None


def _less(schema: Schema, names: frozenset[str]) -> Schema:
    properties = {name: each for name, each in schema.get("properties", {}).items() if name not in names}
    required = (
        {"required": [name for name in schema["required"] if name not in names]}
        if "required" in schema
        else {}
    )
    return {**schema, "properties": properties, **required}
