"""The columns of JSON lines: what every line has, as DuckDB's `json_structure` writes it, put together."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.jsontext import STRING
from docmill.tasks.sources.tabular.separated import require_distinct

INTEGERS = {"UBIGINT", "BIGINT", "HUGEINT"}
ANY = "JSON"  # what may be several kinds of values is kept as it stands
MAX_DEPTH = 50  # of objects and arrays in each other: what is deeper is kept as it stands
TOKEN = re.compile(rf"{STRING}|[\[{{\]}}]")


def columns_of(structures: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Put the structures of objects together: the columns, each with its type, in the order they come.

    Each comes with the name of its file. Raises ConfigError for a key that is no column's name, or
    another column's.
    """
    whole: Any = {}
    for structure, shown in structures:
        known = len(whole)
        whole = _both(whole, json.loads(shallow(structure)))
        if len(whole) > known:
            _require_names(whole, shown)
    return {name: _filled(kind) for name, kind in whole.items()}


def is_deep(text: str) -> bool:
    """Say whether in JSON more than MAX_DEPTH objects and arrays are in each other."""
    return shallow(text) is not text


def shallow(text: str) -> str:
    """Write ANY in the place of what is deeper in JSON than MAX_DEPTH."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return text
    parts, depth, at = [], 0, 0
    for token in TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == MAX_DEPTH + 1:
                parts.append(f'{text[at : token.start()]}"{ANY}"')
        elif token[0] in "]}":
            at = token.end() if depth == MAX_DEPTH + 1 else at
            depth -= 1
    return "".join([*parts, text[at:]]) if parts else text


def _require_names(columns: Mapping[str, Any], shown: str) -> None:
    if "" in columns:
        raise ConfigError(f"rows.files: {shown} has an empty key, which names no column: give it a name")
    require_distinct(tuple(columns), shown)


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
        names = {name.casefold() for name in kind}
        if "" in names or len(names) < len(kind):  # DuckDB has no such structure
            return ANY
        return {name: _filled(part) for name, part in kind.items()} or ANY
    if isinstance(kind, list):
        return [_filled(kind[0])] if kind else ANY
    return "VARCHAR" if kind == "NULL" else kind
