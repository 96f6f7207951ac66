"""Which column takes a property's values: the one scalar type that its schema allows, else JSON."""

from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Date, Dialect, Double, Text
from sqlalchemy.types import TypeEngine, UserDefinedType

from docmill.tasks.checks.jsontext import INTEGERS
from docmill.tasks.sinks.encoding import dumps
from docmill.tasks.sinks.tables import Json

KINDS = frozenset({"string", "integer", "number", "boolean", "array", "object"})  # null makes no difference
DUCKDB_DIGITS, DUCKDB_SCALE = 38, 9  # of its decimals, and those behind the point; it would round others
DUCKDB_DECIMAL = f"DECIMAL({DUCKDB_DIGITS},{DUCKDB_SCALE})"
_STEP, _HELD = Decimal(1).scaleb(-DUCKDB_SCALE), Context(prec=DUCKDB_DIGITS, traps=[])
NUMBERS = frozenset({"integer", "number"})


class Exact(UserDefinedType[Decimal]):
    """NUMERIC. SQLite, which has no decimals, is given the digits and keeps them as its own number."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the type."""
        return "NUMERIC"

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Write a Decimal for SQLite."""
        if dialect.name != "sqlite":
            return None
        return lambda value: None if value is None else format(value, "f")

    def result_processor(self, dialect: Dialect, _: Any) -> Callable[[Any], Any] | None:
        """Read a Decimal from SQLite, as the others give it."""
        return _read_from_sqlite if dialect.name == "sqlite" else None


def _read_from_sqlite(value: Any) -> Decimal | None:
    """Give a decimal of its own number, or of the digits where it keeps those."""
    return None if value is None else Decimal(value if isinstance(value, str) else repr(value))


def is_held(value: Decimal) -> bool:
    """Tell whether DuckDB's decimals hold a number as it is: finite, not too large, with few decimals."""
    return value.is_finite() and value.quantize(_STEP, context=_HELD) == value


def column_type(rule: Any) -> TypeEngine[Any]:
    """Choose a property's column: a scalar's own, nullable or not, else JSON.

    A number that may come as a text too, as pydantic's Decimal, is a TEXT of its digits.
    """
    kinds = _kinds(rule)
    if kinds == {"string"}:
        return Date() if _everywhere(rule, "string", lambda part: part.get("format") == "date") else Text()
    if kinds == {"integer"}:
        return BigInteger()
    if kinds and kinds <= NUMBERS:
        return Exact() if _everywhere(rule, "number", _is_decimal) else Double()
    if kinds == {"boolean"}:
        return Boolean()
    alternatives = isinstance(rule, dict) and not rule.keys().isdisjoint({"anyOf", "oneOf"})
    return Text() if alternatives and "string" in kinds and kinds <= {"string", *NUMBERS} else Json


def stored(kind: TypeEngine[Any], value: Any) -> Any:
    """Make a value what its column takes."""
    if value is None or isinstance(kind, JSON):
        return value
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(kind, BigInteger):
        return int(value)  # 3.0 is an integer to JSON Schema
    if isinstance(kind, Exact):
        return Decimal(repr(value))
    return dumps(value) if isinstance(kind, Text) and not isinstance(value, str) else value


def _kinds(rule: Any) -> frozenset[str]:
    """List the types that a schema's values may have, null left out; never fewer than it allows."""
    if not isinstance(rule, dict):
        return KINDS if rule is True else frozenset()
    kinds = KINDS
    if "type" in rule:
        named = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
        kinds &= frozenset(named) | ({"integer"} if "number" in named else set())
    elif "enum" in rule or "const" in rule:
        kinds &= {_kind(value) for value in rule.get("enum", [rule.get("const")])}
    for keyword in ("anyOf", "oneOf"):
        if keyword in rule:
            kinds &= frozenset[str]().union(*map(_kinds, rule[keyword]))
    for part in rule.get("allOf", ()):
        kinds &= _kinds(part)
    return kinds


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int() | float():
            return "integer" if value == int(value) and int(value) in INTEGERS else "number"
        case str():
            return "string"
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "null"


def _everywhere(rule: Any, kind: str, holds: Callable[[dict[str, Any]], bool]) -> bool:
    """Tell whether something is said of every value of a type that a schema allows."""
    if not isinstance(rule, dict) or kind not in _kinds(rule):
        return rule is not True
    if holds(rule) or any(_everywhere(part, kind, holds) for part in rule.get("allOf", ())):
        return True
    listed = [rule[keyword] for keyword in ("anyOf", "oneOf") if keyword in rule]
    return any(all(_everywhere(part, kind, holds) for part in parts) for parts in listed)


def _is_decimal(rule: dict[str, Any]) -> bool:
    """Tell whether its values are multiples of 0.1, 0.01 or a smaller power of ten."""
    step = rule.get("multipleOf")
    if not isinstance(step, float) or not 0 < step < 1:
        return False
    return Decimal(repr(step)).normalize().as_tuple().digits == (1,)
