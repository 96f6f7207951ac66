"""The rows at or above a mark, and the mark that a reading comes to."""

import math
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Dialect, String, literal

from docmill.schemas.mark import ISO, Mark, kind_of

END = re.compile(r"[\s;]*\Z")
Form = tuple[Any, ...]
NO_ISO = (
    "its values are texts, and no ISO dates or times: as a text 9 comes after 12, so that new rows would be "
    "missed: cast it in rows.query: {column}::bigint"
)
UNLIKE = "its values cannot be compared with each other: give them one type and one form in rows.query"


class Since(NamedTuple):
    """A column that only grows, and how far it was read."""

    column: str
    mark: Mark


class HighWater:
    """The highest value of a column among the rows of a reading; `fault` is why there is none."""

    def __init__(self, column: str = "") -> None:
        self._column = column
        self._highest: Any = None
        self._forms: set[Form] = set()
        self.fault: str | None = None

    def see(self, value: Any) -> None:
        """Take a row's value into account; NULL is none, and a number that is not finite is passed over."""
        if value is None or self.fault is not None or _is_endless(value):
            return
        if fault := self._unfit(value):
            self._highest, self.fault = None, f"rows.since: {self._column}: {fault}"
        elif self._highest is None or value > self._highest:
            self._highest = value

    def mark(self) -> Mark | None:
        """Give it as a mark."""
        return None if self._highest is None else Mark.of(self._highest)

    def _unfit(self, value: Any) -> str | None:
        """Say why a value cannot be compared; None where it can."""
        if kind_of(value) is None:
            return UNLIKE
        if isinstance(value, str) and not ISO.fullmatch(value):
            return NO_ISO.format(column=self._column)
        unlike = self._highest is not None and type(value) is not type(self._highest)
        self._forms |= _forms(value)
        return UNLIKE if unlike or len(self._forms) > 1 else None


def _forms(value: Any) -> set[Form]:
    """Tell in which form a time is written, as those of one form alone are compared by their signs."""
    if isinstance(value, datetime):
        return {(value.tzinfo is None,)}
    found = ISO.fullmatch(value) if isinstance(value, str) else None
    if found is None or found["between"] is None:  # a day sorts before its times, however they are written
        return set()
    return {(found["between"], found["zone"], len(found["part"] or "") if found["zone"] else None)}


def above(query: str, column: str, mark: str) -> str:
    """Ask of a query's rows those at or above a mark, and those without a value.

    `column` and `mark` are as SQL writes them.
    """
    inner = END.sub("", query)
    return (
        f"SELECT * FROM (\n{inner}\n) docmill_rows "  # noqa: S608 - the query is the pipeline's own
        f"WHERE docmill_rows.{column} >= {mark} OR docmill_rows.{column} IS NULL"
    )


def quoting(dialect: Dialect) -> Callable[[str], str]:
    """Give what writes a text as a database's dialect does, for a query that is sent without parameters."""

    def quoted(text: str) -> str:
        asked = literal(text, String()).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
        # A dialect whose driver's parameters are %s doubles the sign; without parameters it stays as it is.
        doubled = getattr(dialect.identifier_preparer, "_double_percents", False)
        return str(asked).replace("%%", "%") if doubled else str(asked)

    return quoted


def _is_endless(value: Any) -> bool:
    if isinstance(value, Decimal):
        return not value.is_finite()
    return isinstance(value, float) and not math.isfinite(value)
