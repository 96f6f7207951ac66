"""How far a column that only grows was read: a value of it, kept as a text with its type."""

import re
from collections.abc import Callable
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
NUMBERS = ("int", "float", "Decimal")
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
ISO = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"(?:(?P<between>[T ])\d\d:\d\d(?::\d\d)?(?P<part>\.\d+)?(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII,
)


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

    @property
    def is_plain(self) -> bool:
        """Whether it is a finite number, a day or a time, which every database reads alike."""
        form = NUMBER if self.kind in NUMBERS else ISO
        return form.fullmatch(self.text) is not None

    def literal(self, quoted: Callable[[str], str]) -> str:
        """Write a plain one as SQL does, wherever it is compared with its column; `quoted` writes a text."""
        return self.text if self.kind in NUMBERS else quoted(self.text)


def kind_of(value: Any) -> str | None:
    """Name the type of a value that can be a mark; None of another."""
    return next((name for name, kind in TYPES.items() if type(value) is kind), None)
