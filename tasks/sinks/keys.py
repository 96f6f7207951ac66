"""The key column of a typed table: it takes the type of the rows' keys."""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Numeric, Text, Time, Uuid
from sqlalchemy.types import TypeEngine

from docmill.schemas.pipeline import Into
from docmill.tasks.checks.jsontext import INTEGERS

MAX_DIGITS = 131_072  # what PostgreSQL's numeric has before the point
BOOLEANS = {"True": True, "False": False}


class KeyedInto(Into):
    """Where a pipeline over rows writes: `first_key` gives the rows' first key, waiting for it.

    It is None where there are no rows: then a table whose name or key is given is not created.
    """

    first_key: Callable[[], Any] = Field(exclude=True, repr=False)


def type_in(into: Into, dialect: str) -> TypeEngine[Any] | None:
    """Choose the type of the typed tables' key; None where that is not known, as there are no rows."""
    if not isinstance(into, KeyedInto) or not {"table", "key"} & into.model_fields_set:
        return Text()
    first = into.first_key()
    return None if first is None else key_type(first, dialect)


def key_type(key: Any, dialect: str) -> TypeEngine[Any]:
    """Choose the column for keys of this one's type; a text where there is none that holds it exactly."""
    exact = dialect == "postgresql"  # SQLite would round decimals, and write UUIDs and times otherwise
    match key:
        case bool():
            return Boolean()
        case int():
            return BigInteger()
        case UUID() if exact:
            return Uuid()
        case Decimal() if exact:
            return Numeric()
        case datetime():
            return DateTime(timezone=key.tzinfo is not None)
        case date():
            return Date()
        case time() if exact:
            return Time(timezone=key.tzinfo is not None)
    return Text()


def native(kind: TypeEngine[Any], document_id: str) -> Any:
    """Give the key that a document's id stands for; raises ValueError where it is none of this type."""
    value, written = _read(kind, document_id)
    if written != document_id:  # 1_000 and 1000 are two documents
        raise ValueError(document_id)
    return value


def _read(kind: TypeEngine[Any], text: str) -> tuple[Any, str]:
    """Read a text as a type, and write it again."""
    value: Any
    match kind:
        case Boolean():
            return BOOLEANS.get(text), text if text in BOOLEANS else ""
        case BigInteger():
            value = int(text)
            return value, str(value) if value in INTEGERS else ""
        case Uuid():
            value = UUID(text)
            return value, str(value)
        case Numeric():
            try:
                value = Decimal(text)
            except InvalidOperation:
                raise ValueError(text) from None
            digits = format(value, "f") if value.adjusted() < MAX_DIGITS else ""
            return value, digits.rstrip("0").rstrip(".") if "." in digits else digits
        case DateTime() | Date() | Time():
            value = kind.python_type.fromisoformat(text)
            return value, value.isoformat()
    return text, text
