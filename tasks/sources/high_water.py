"""The rows at or above a mark, and the mark that a reading comes to."""

import re
from typing import Any, NamedTuple

from docmill.schemas.mark import Mark, kind_of

END = re.compile(r"[\s;]*\Z")


class Since(NamedTuple):
    """A column that only grows, and how far it was read."""

    column: str
    mark: Mark


class HighWater:
    """The highest value of a column among the rows of a reading; None where they cannot be compared."""

    def __init__(self) -> None:
        self._highest: Any = None
        self._is_broken = False

    def see(self, value: Any) -> None:
        """Take a row's value into account; NULL is none."""
        if value is None or self._is_broken:
            return
        try:
            if kind_of(value) is None or (
                self._highest is not None and type(value) is not type(self._highest)
            ):
                raise TypeError
            if self._highest is None or value > self._highest:
                self._highest = value
        except TypeError:
            self._is_broken, self._highest = True, None

    def mark(self) -> Mark | None:
        """Give it as a mark."""
        return None if self._highest is None else Mark.of(self._highest)


def above(query: str, column: str, mark: Mark) -> str:
    """Ask of a query's rows those at or above a mark, and those without a value.

    `column` is as SQL writes it.
    """
    inner = END.sub("", query)
    return (
        f"SELECT * FROM (\n{inner}\n) docmill_rows "  # noqa: S608 - the query is the pipeline's own
        f"WHERE docmill_rows.{column} >= {mark.literal()} OR docmill_rows.{column} IS NULL"
    )
