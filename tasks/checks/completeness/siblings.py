"""Which rows of a table are such as an array's items: no headers, no sums, no notes between them."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from docmill.tasks.checks.completeness.groups import Group, label_of, sorts_of
from docmill.tasks.checks.completeness.rows import Row, sort_of
from docmill.tasks.checks.completeness.words import is_charge, is_sum, same

USUAL = 0.8  # of the rows that are known: a column that so many of them use is one that all have


@dataclass(frozen=True)
class Pattern:
    """What a row of a table has: cells in these columns, each with the sort of most of them."""

    group: Group
    columns: tuple[int, ...]
    sorts: tuple[str, ...]
    digits: bool

    @classmethod
    def of(cls, group: Group, known: Sequence[Row], used: Counter[int]) -> "Pattern":
        """Take it from rows that are known, and from how many use each column."""
        columns = tuple(sorted(n for n, count in used.items() if count >= USUAL * len(known))) or tuple(
            sorted(used)
        )
        digits = all(any(map(str.isdecimal, group.sheet.text[row.start : row.end])) for row in known)
        return cls(group, columns, sorts_of(group.sheet, known, group.columns), digits)

    @classmethod
    def fitting(cls, group: Group, columns: Collection[int]) -> "Pattern":
        """Take it from the columns that fit an array's properties."""
        return cls(group, tuple(sorted(columns)), group.sorts, digits=False)

    def fits(self, row: Row) -> bool:
        """Say whether a row is such a row."""
        group = self.group
        if group.form == "list":
            text = group.sheet.text[row.start : row.end]
            return not is_sum(text) and (not self.digits or any(map(str.isdecimal, text)))
        said = {n: group.said(row, n) for n in self.columns}
        filled = {n for n, cell in said.items() if sort_of(cell)}
        texts = [n for n in self.columns if self.sorts[n : n + 1] == ("t",)]
        figures = [n for n in self.columns if self.sorts[n : n + 1] in (("n",), ("d",))]
        label = said[texts[0]] if texts else label_of(group, row)
        return (
            len(filled) >= min(len(self.columns), max(2, -(-len(self.columns) // 2)))
            and (not texts or texts[0] in filled)
            and (not figures or any(sort_of(said[n]) == self.sorts[n] for n in figures))
            and not is_sum(label, whole=self._is_whole(row))
            and not group.repeats_header(row)
        )

    def _is_whole(self, row: Row) -> bool:
        """Say whether it has all cells that others have, and stands not among the sums that end a table."""
        return row.start < self._sums_from and self._is_filled(row)

    @cached_property
    def _sums_from(self) -> float:
        """Where the last rows begin that are all named as sums may be, one of them as sums alone are."""
        found = math.inf
        for row in reversed(self.group.rows):
            label = label_of(self.group, row)
            if not is_sum(label, whole=False) or is_charge(label):
                break
            if is_sum(label) or found < math.inf:
                found = row.start
        return found

    def _is_filled(self, row: Row) -> bool:
        return all(not sort or sort_of(self.group.said(row, n)) for n, sort in enumerate(self.sorts))


def is_header(group: Group, row: Row, names: Collection[str]) -> bool:
    """Say whether the first row of a table without a header is one by the names of the properties."""
    first = bool(group.rows) and row.start == group.rows[0].start and not group.header
    cells = [cell for n in range(len(row.cells)) if (cell := group.said(row, n))]
    return first and any(same(name, cell) for name in names for cell in cells) and "t" not in map(_odd, cells)


def _odd(cell: str) -> str:
    return "t" if any(map(str.isdecimal, cell)) or len(cell.split()) > 3 else ""
