"""The columns of JSON lines: what every line has, as DuckDB's `json_structure` writes it, put together."""

import json
from collections.abc import Iterable
from typing import Any

INTEGERS = {"UBIGINT", "BIGINT", "HUGEINT"}
ANY = "JSON"  # what may be several kinds of values is kept as it stands


def columns_of(structures: Iterable[str]) -> dict[str, Any]:
    """Put the structures of objects together: the columns, each with its type, in the order they come."""
    whole: Any = {}
    for structure in structures:
        whole = _both(whole, json.loads(structure))
    return {name: _filled(kind) for name, kind in whole.items()}


def _both(one: Any, other: Any) -> Any:
    """Give the type that holds the values of two."""
    if one == other or other == "NULL":
        return one
    if one == "NULL":
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{name: _both(one.get(name, "NULL"), kind) for name, kind in other.items()}}
    if isinstance(one, list) and isinstance(other, list):
        return [_both(one[0], other[0])] if one and other else one or other
    if {one, other} <= INTEGERS if isinstance(one, str) and isinstance(other, str) else False:
        return "HUGEINT"
    return ANY


def _filled(kind: Any) -> Any:
    """Give what only ever was null, or an empty array or object, a type."""
    if isinstance(kind, dict):
        return {name: _filled(part) for name, part in kind.items()} or ANY
    if isinstance(kind, list):
        return [_filled(kind[0])] if kind else ANY
    return "VARCHAR" if kind == "NULL" else kind
