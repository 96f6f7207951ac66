"""What is true of one document, and the names by which labels say it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from docmill.flows.evaluate.fields import Field, Keys
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.spelling import meant

DOCUMENT, LABEL = "document", "label"
INDEX = re.compile(r"\[(\d+)\]")
Tree = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """What a person decided on: this content of a document, and these steps' values and labels."""

    content_sha256: str
    values: Mapping[str, Tree]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Item:
    """An item of which a part is asked: as the run gave it, as it is in truth, and what is asked of it."""

    given: Any
    value: Any
    asked: Any


class Items(list[Item]):
    """Items of a list of which the others are not asked."""


@dataclass(frozen=True)
class Truth:
    """What one label says of a document: only what stands in `fields` is asked.

    `document` is its id, or a file name that no two have; `place` is where the label stands, for errors.
    A label that came of a decision has its `origin`.
    """

    document: str
    place: str
    label: str | None
    fields: Mapping[str, Any]
    origin: Origin | None = None


def keys_of(name: str, fields: Field, place: str) -> Keys:
    """Read a field's name: a property, or a path such as vendor.name, lines.0.total or lines[0].total.

    Raises ConfigError where there is no such field.
    """
    keys = (name,) if name in fields.properties else tuple(INDEX.sub(r".\1", name).split("."))
    if fields.at(keys) is None:
        known = [LABEL, *(".".join(each) for each in fields.named())]
        raise ConfigError(f"{place}: {name!r} is no field of a record{meant(name, known)}")
    return keys


def nested(values: Iterable[tuple[Keys, Any]], fields: Field, place: str) -> Tree:
    """Put values in their places: those of `lines.0.…` and `lines.1.…` are rows of a list.

    Raises ConfigError where two values have one place.
    """
    tree: Tree = {}
    for keys, value in values:
        inner = tree
        for key in keys[:-1]:
            inner = inner.setdefault(key, {})
            if type(inner) is not dict:
                raise ConfigError(f"{place}: {key!r} is given as a whole and in parts")
        if keys[-1] in inner:
            raise ConfigError(f"{place}: {'.'.join(keys)!r} is given twice")
        inner[keys[-1]] = value
    return {name: _listed(value, fields.properties[name]) for name, value in tree.items()}


def require_known(value: Any, field: Field, named: str, place: str) -> None:
    """Raise ConfigError where an object within a label has a key that its schema does not."""
    if isinstance(value, list) and field.items:
        for each in value:
            require_known(each, field.items, f"{named}[]", place)
    elif isinstance(value, dict) and field.properties:
        for key, inner in value.items():
            if key not in field.properties:
                raise ConfigError(
                    f"{place}: {f'{named}.{key}'!r} is no field of a record{meant(key, field.properties)}"
                )
            require_known(inner, field.properties[key], f"{named}.{key}", place)


def _listed(value: Any, field: Field) -> Any:
    if type(value) is not dict:  # a value is one of its own type where it stands in a cell
        return value
    if field.items and all(map(str.isdecimal, value)):
        return [_listed(value[key], field.items) for key in sorted(value, key=int)]
    return {key: _listed(inner, field.properties.get(key, Field())) for key, inner in value.items()}
