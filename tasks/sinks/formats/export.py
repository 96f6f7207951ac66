"""What is exported: rows, and for each column its name and type."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.types import TypeEngine


@dataclass(frozen=True)
class Export:
    """Rows that are read as they are written; what a row lacks is NULL."""

    columns: Mapping[str, TypeEngine[Any]]
    rows: Iterable[Mapping[str, Any]]


def as_json(value: object) -> Any:
    """Write for JSON what it has no type for: times as ISO 8601, in UTC where a database keeps no zone."""
    match value:
        case datetime():
            return value.replace(tzinfo=value.tzinfo or UTC).isoformat()
        case date() | time():
            return value.isoformat()
        case Decimal():
            exact = value.is_finite() and Decimal(repr(float(value))) == value
            return float(value) if exact else format(value, "f")
        case UUID():
            return str(value)
    raise TypeError(type(value).__name__)


def plain(value: Any) -> Any:
    """Give a decimal, a day or a time as a cell's text; what else there is stays as it is."""
    match value:
        case Decimal():
            return format(value, "f")
        case date() | time() | UUID():
            return as_json(value)
    return value
