"""The arrays of a record whose items may be rows of its document."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from docmill.tasks.checks.evidence.search import Sought, sought
from docmill.tasks.checks.evidence.values import (
    UNNAMED,
    holding_for,
    of_item,
    of_property,
    values,
)
from docmill.tasks.checks.faults import Path
from docmill.tasks.checks.subschemas import COMPLETENESS, EXEMPTION, Schema, alternatives, types

MOST_DEEP = 20


@dataclass
class Item:
    """An item of an array, with what its own values are found by; `array` is where the array stands."""

    array: Path
    index: int
    anchors: dict[Sought, str] = field(default_factory=dict)


@dataclass
class Array:
    """An array that the schema declares, in all places of the record where it stands.

    `headings` name the tables that are meant, where the schema does; `properties` are those of its items,
    each with the sort of its cells: n, d or t. `named` has no keys but the schema's.
    """

    named: Path
    headings: tuple[str, ...]
    properties: dict[str, str]
    places: list[Path] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The last key of its place."""
        return next((part for part in reversed(self.named) if isinstance(part, str)), "")


def arrays(record: dict[str, Any], schema: Schema) -> list[Array]:
    """List the arrays of objects or of strings that are not exempt, those that are absent too."""
    found: dict[Path, Array] = {}
    items: dict[Path, Item] = {}
    for path, named, value, schemas in _listed(record, [schema], (), ()):
        array = found.setdefault(named, Array(named, _headings(schemas), _properties(schemas)))
        array.places.append(path)
        for index in range(len(value)):
            items[(*path, index)] = item = Item(path, index)
            array.items.append(item)
    for each in values(record, schema) if items else ():
        if (what := sought(each)) and (owner := _owner(each.path, items)):
            owner.anchors.setdefault(what, str(each.value))
    return list(found.values())


def _owner(path: Path, items: dict[Path, Item]) -> Item | None:
    return next((items[path[:end]] for end in range(len(path), 0, -1) if path[:end] in items), None)


def _listed(
    value: Any, schemas: list[Any], path: Path, named: Path
) -> Iterator[tuple[Path, Path, list[Any], list[Schema]]]:
    holding = [each for schema in schemas for each in holding_for(schema, value)]
    if len(path) > MOST_DEEP or _are_exempt(holding):
        return
    if isinstance(value, dict):
        declared = {key for schema in holding for key in schema.get("properties", {})}
        for key in sorted(key for key in declared if value.get(key) is None):
            yield from _absent(of_property(holding, key), (*path, key), (*named, key))
        for key, inner in value.items():
            below = (*path, key), (*named, key if key in declared else UNNAMED)
            yield from _listed(inner, of_property(holding, key), *below)
    elif isinstance(value, list):
        if all(isinstance(each, dict) for each in value) or all(isinstance(each, str) for each in value):
            yield from _wanted(value, holding, path, named)
        for index, inner in enumerate(value):
            within = [of_item(schema, index) for schema in holding]
            yield from _listed(inner, within, (*path, index), (*named, UNNAMED))


def _absent(
    schemas: list[Any], path: Path, named: Path
) -> Iterator[tuple[Path, Path, list[Any], list[Schema]]]:
    parts = [part for schema in schemas for part in alternatives(schema)]
    if any("array" in types(part) for part in parts) and not _are_exempt(parts):
        yield from _wanted([], parts, path, named)


def _wanted(
    value: list[Any], schemas: list[Schema], path: Path, named: Path
) -> Iterator[tuple[Path, Path, list[Any], list[Schema]]]:
    """Give an array, unless it is exempt or its items can be none that a document lists."""
    if any(schema.get(COMPLETENESS) is False for schema in schemas):
        return
    kinds = {kind for part in _items(schemas) for kind in types(part)}
    if value or kinds & {"object", "string"} or _properties(schemas):
        yield path, named, value, schemas


def _are_exempt(schemas: list[Schema]) -> bool:
    return any(schema.get(EXEMPTION) is False for schema in schemas)


def _items(schemas: list[Schema]) -> list[Schema]:
    return [part for schema in schemas for part in alternatives(schema.get("items"))]


def _headings(schemas: list[Schema]) -> tuple[str, ...]:
    said = (schema[COMPLETENESS] for schema in schemas if isinstance(schema.get(COMPLETENESS), list))
    return tuple(next(said, ()))


def _properties(schemas: list[Schema]) -> dict[str, str]:
    """Give the properties of an array's items that can be columns."""
    declared = [pair for part in _items(schemas) for pair in part.get("properties", {}).items()]
    sorts = {name: _sort(list(alternatives(schema))) for name, schema in declared}
    return {name: sort for name, sort in sorts.items() if sort}


def _sort(parts: list[Schema]) -> str:
    kinds = {kind for part in parts for kind in types(part)}
    if _are_exempt(parts):
        return ""
    if kinds & {"number", "integer"}:
        return "n"
    if any(str(part.get("format", "")).startswith("date") for part in parts):
        return "d"
    return "t" if "string" in kinds else ""
