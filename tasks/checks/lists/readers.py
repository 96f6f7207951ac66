"""Readers of a column's cells: from what a cell says to a value that its property takes."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from docmill.tasks.checks.lists import days, figures
from docmill.tasks.checks.lists.declared import NOTES, alternatives, kinds, sent
from docmill.tasks.checks.subschemas import Schema
from docmill.tasks.checks.validation import validator

UNREAD = object()  # a cell that is for the model to read
LEFT_OUT = object()  # an empty cell whose property may be left out
Read = Callable[[str], Any]

YES = frozenset(re.findall(r"\S+", "true yes y x ja j oui si sí sì sim tak да ✓ ✔ ☑ ☒ 1 wahr vrai"))
NO = frozenset(re.findall(r"\S+", "false no n nein non não nie нет ✗ ✘ ☐ 0 falsch faux"))
PERCENT = re.compile(r"percent|prozent|pct\b|%", re.IGNORECASE)
DASHES = re.compile(r"[\s.‐‑‒–—―−/-]*")
EMPTY = re.compile(r"[\s.‐‑‒–—―−/-]*|n/?a|k\.? ?a\.?", re.IGNORECASE)
BOUNDS = ("maximum", "exclusiveMaximum")
TEXT_KEYS = {"type", "anyOf", "oneOf", *NOTES}  # a schema of these alone takes any value of its types


@dataclass(frozen=True)
class Column:
    """What the property of a column is, and what its table tells of its cells.

    `cells` are those of the rows that are items, `marks` the votes of the table's other columns of numbers,
    and `latest` the latest year of the document.
    """

    name: str
    schema: Schema
    is_required: bool
    cells: Sequence[str]
    marks: Counter[str]
    latest: int | None


def reader(column: Column) -> Read:
    """Make the reader of a column; it gives UNREAD for what does not fit, LEFT_OUT for what is not there."""
    admitted = kinds(column.schema)
    empty = None if "null" in admitted else UNREAD if column.is_required else LEFT_OUT
    listed = [
        value
        for part in alternatives(column.schema)
        for value in [*part.get("enum", ()), *_const(part)]
        if value is not None
    ]
    within, fits = _within(column, admitted, listed), _judge(column.schema)
    is_text = "string" in admitted and not _is_date(column.schema)

    @cache
    def read(said: str) -> Any:
        if EMPTY.fullmatch(said) and said not in listed:
            # NA and KA are regions, too: of texts only dashes are nothing for sure.
            return empty if DASHES.fullmatch(said) or not is_text else UNREAD
        value = within(said)
        return value if value is not UNREAD and fits(value) else UNREAD

    return read


def _within(column: Column, admitted: set[str], listed: Sequence[Any]) -> Read:
    if listed:
        return lambda said: _listed(said, listed)
    if admitted & {"number", "integer"}:
        return _numbers(column, whole="number" not in admitted)
    if "boolean" in admitted:
        return lambda said: True if said.casefold() in YES else False if said.casefold() in NO else UNREAD
    if _is_date(column.schema):
        return _dates(column)
    return lambda said: said


def _is_date(schema: Schema) -> bool:
    return any(part.get("format") == "date" for part in alternatives(schema))


def _const(part: Schema) -> list[Any]:
    return [part["const"]] if "const" in part else []


def _listed(said: str, values: Sequence[Any]) -> Any:
    meant = {str(value): value for value in values if str(value).casefold() == said.casefold()}
    return meant.get(said, next(iter(meant.values())) if len(meant) == 1 else UNREAD)


def _numbers(column: Column, *, whole: bool) -> Read:
    mark = figures.decided(figures.votes(column.cells), column.marks)
    share = _share(column)

    def read(said: str) -> Any:
        found = figures.figure(said, mark)
        if found is None or (found[1] and share is None):
            return UNREAD
        value, is_percentage = found
        value = value * share if is_percentage and share else value
        number = figures.number(value)
        return UNREAD if number is None or (whole and not isinstance(number, int)) else number

    return read


def _share(column: Column) -> Decimal | None:
    """Say what 19 % is to the property: 19 or 0.19; None where its schema does not tell."""
    parts = alternatives(column.schema)
    bounds = [part[key] for part in parts for key in BOUNDS if key in part]
    if bounds:
        return Decimal("0.01") if min(bounds) <= 1 else Decimal(1)
    said = " ".join([column.name, *(str(part.get("description", "")) for part in parts)])
    return Decimal(1) if PERCENT.search(said) else None


def _dates(column: Column) -> Read:
    order = days.order(column.cells, column.latest)

    def read(said: str) -> Any:
        found = days.day(said, order, column.latest)
        return UNREAD if found is None else found.isoformat()

    return read


def _judge(schema: Schema) -> Callable[[Any], bool]:
    """Give what says whether a value satisfies a schema; of one that names types alone, nothing is asked."""
    if all(part.keys() <= TEXT_KEYS for part in alternatives(schema)):
        return lambda _: True
    judge = validator(sent(schema))
    return lambda value: bool(judge.is_valid(value))


def column_marks(columns: Mapping[str, Sequence[str]], schemas: Mapping[str, Schema]) -> Counter[str]:
    """Count what all columns of numbers tell of the mark of decimals."""
    counts: Counter[str] = Counter()
    for name, cells in columns.items():
        if kinds(schemas[name]) & {"number", "integer"}:
            counts += figures.votes(cells)
    return counts
