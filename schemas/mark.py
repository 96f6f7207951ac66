"""How far a column that only grows was read: a value of it, kept as a text with its type."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

Value = int | float | Decimal | str | datetime | date
TYPES: dict[str, type[Value]] = {
    "int": int,
    "float": float,
    "Decimal": Decimal,
    "str": str,
    "datetime": datetime,
    "date": date,
}


class Mark(BaseModel):
    """A value as a text, and the name of its type."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["int", "float", "Decimal", "str", "datetime", "date"]
    text: str

    @classmethod
    def of(cls, value: Value) -> Self:
        """Write a value down."""
        text = value.isoformat(" ") if isinstance(value, datetime) else str(value)
        return cls.model_validate({"kind": kind_of(value), "text": text})

    def literal(self) -> str:
        """Write it as SQL does, wherever it is compared with its column."""
        if self.kind in ("int", "float", "Decimal"):
            return self.text
        return "'" + self.text.replace("'", "''") + "'"


def kind_of(value: Any) -> str | None:
    """Name the type of a value that can be a mark; None of another."""
    return next((name for name, kind in TYPES.items() if type(value) is kind), None)
