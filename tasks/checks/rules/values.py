"""A record's values as rules see them: CEL's own types, but for numbers, which are exact decimals."""

from collections.abc import Mapping
from typing import Any

from docmill.tasks.checks.rules.numbers import exact


def cel_value(value: Any) -> Any:
    """Give a JSON value as CEL's; members that are null are left out, so that `has` tells them."""
    from celpy import celtypes

    match value:
        case bool():
            return celtypes.BoolType(value)
        case int() | float():
            return exact(value)
        case str():
            return celtypes.StringType(value)
        case list():
            return celtypes.ListType([cel_value(each) for each in value])
        case dict():
            members = {name: each for name, each in value.items() if each is not None}
            return celtypes.MapType(
                {celtypes.StringType(name): cel_value(each) for name, each in members.items()}
            )
        case _:
            return None


def has_null(value: Any) -> bool:
    """Say whether a value is null, or one within it is."""
    if isinstance(value, Mapping):
        return any(map(has_null, value.values()))
    return any(map(has_null, value)) if isinstance(value, list) else value is None


def length(value: Any) -> int:
    """Count the items of all lists of a value, those within others too."""
    if isinstance(value, Mapping):
        return sum(map(length, value.values()))
    return len(value) + sum(map(length, value)) if isinstance(value, list) else 0
