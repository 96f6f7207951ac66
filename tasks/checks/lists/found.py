"""Which tables of a document are long lists: rows of an array that are read apart from the rest."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.completeness.arrays import Array, arrays
from docmill.tasks.checks.completeness.fitting import fitting, is_meant
from docmill.tasks.checks.completeness.groups import Group, Tables, label_of
from docmill.tasks.checks.completeness.lists import FURNITURE
from docmill.tasks.checks.completeness.rows import Row, sort_of
from docmill.tasks.checks.completeness.siblings import Pattern, is_header
from docmill.tasks.checks.completeness.words import is_charge, is_sum
from docmill.tasks.checks.lists.cells import goes_on
from docmill.tasks.checks.lists.declared import Declared, declared

LONG = 30  # rows from which on a table is a long list
FEWEST = 1  # where the step says columns
MAX_LINES = 200_000  # of a document; the lists of a longer one are the model's
MOST_TABLES = 8  # of one array; where there are more, the model reads them as one document
MOST_BETWEEN = 5  # lines; where more stand between two rows, they are something else
SEPARATORS = ",;\t"  # of which a line with cells has one
FREE_FORMS = ("list",)  # of whose rows each is one cell


@dataclass(frozen=True)
class LongList:
    """One table with rows of an array.

    `columns` are those that fit the array's properties; all of them where it does not fit by what code knows.
    `elsewhere` is where the rows of all lists begin: none of them is a damaged line of another.
    """

    declared: Declared
    array: Array
    group: Group
    columns: tuple[int, ...]
    fits: bool
    elsewhere: tuple[int, ...] = ()

    @property
    def has_columns(self) -> bool:
        """Say whether its columns may stand for all that an item has: a list in words has but one."""
        in_words = self.group.form in FREE_FORMS and not self.declared.of_strings
        return self.declared.is_plain and not in_words

    @cached_property
    def items(self) -> list[Row]:
        """The rows that are items by what completeness knows: no headers, no sums, no notes between them."""
        return self.within(self.columns)

    def within(self, columns: Sequence[int]) -> list[Row]:
        """Give the rows that are items by what stands in some columns."""
        pattern = Pattern.fitting(self.group, columns)
        names = [*self.array.properties, self.array.name]
        return [row for row in self.group.rows if pattern.fits(row) and not is_header(self.group, row, names)]

    def doubtful(self, columns: Sequence[int], items: Sequence[Row]) -> list[Row]:
        """Give the rows that may be items although they lack something, or are named as sums are.

        So are lines between the rows of CSV that have not as many cells.
        """
        known = {row.start for row in items}
        names = [*self.array.properties, self.array.name]
        others = [
            row
            for row in self.group.rows
            if row.start not in known
            and not self.group.repeats_header(row)
            and not is_header(self.group, row, names)
            and self._may_be(row, columns)
        ]
        return sorted([*others, *self.between], key=lambda row: row.start)

    def _may_be(self, row: Row, columns: Sequence[int]) -> bool:
        if self.group.form in FREE_FORMS:
            return False
        filled = [n for n in columns if sort_of(self.group.said(row, n))]
        label = label_of(self.group, row)
        is_named = is_sum(label, whole=False) and not is_charge(label)
        return len(filled) == len(columns) if is_named else len(filled) > 1 or len(filled) == len(columns)

    @cached_property
    def between(self) -> list[Row]:
        """The lines beside rows of CSV or tabs that are none: they have not as many cells."""
        if self.group.form != "separated" or not self.group.rows:
            return []
        text, rows = self.group.sheet.text, self.group.rows
        pairs = pairwise(rows)
        found = [line for before, after in pairs for line in self._between(before, after)]
        first, last = rows[0].start, rows[-1].reach
        # A header that a damaged first row keeps from being known as one stands after a blank line.
        heads = [at for at in self.group.heads[:1] if at < first]
        above = heads[0] if heads else max(text.rfind("\n\n", 0, first) + 2, 0)
        head = text.find("\n", above, first)
        ending = text.find("\n\n", last)
        outside = [
            *self._lines(first if head < 0 else head, first),
            *self._lines(last, len(text) if ending < 0 else ending),
        ]
        lines = [*found, *(line for line in outside if self._has_cells(line))]
        return [line for line in lines if not self._is_elsewhere(line)]

    def _is_elsewhere(self, line: Row) -> bool:
        at = bisect_left(self.elsewhere, line.start)
        return at < len(self.elsewhere) and self.elsewhere[at] < line.end

    def _has_cells(self, line: Row) -> bool:
        said = self.group.sheet.text[line.start : line.end]
        label = re.split(f"[{SEPARATORS}]", said.strip(f"{SEPARATORS} "), maxsplit=1)[0]
        is_named = is_sum(label, whole=False) and not is_charge(label)
        return not is_named and any(mark in said for mark in SEPARATORS)

    def _between(self, before: Row, after: Row) -> list[Row]:
        head = bisect_right(self.group.heads, before.reach)
        lines = self._lines(before.reach, min([after.start, *self.group.heads[head : head + 1]]))
        return lines if len(lines) <= MOST_BETWEEN else [line for line in lines if self._has_cells(line)]

    def _lines(self, at: int, end: int) -> list[Row]:
        lines: list[Row] = []
        for line in self.group.sheet.text[at:end].split("\n") if end > at + 1 else ():
            if line.strip() and not FURNITURE.fullmatch(line.strip()):
                begin = at + len(line) - len(line.lstrip())
                lines.append(Row(begin, at + len(line.rstrip()), (), at + len(line)))
            at += len(line) + 1
        return lines

    @cached_property
    def sections(self) -> list[Row]:
        """The rows that have but one cell, and no sum's name: the headings of sections, and their like."""
        rows = self.group.rows if self.group.columns > 1 else ()
        found = [row for row in rows if self._is_section(row)]
        return sorted([*found, *self.between], key=lambda row: row.start)

    def section_of(self, row: Row) -> Row | None:
        """Give the last heading of a section before a row."""
        at = bisect_left(self.sections, row.start, key=lambda each: each.start)
        return self.sections[at - 1] if at else None

    def has_items_between(self, before: Row, row: Row) -> bool:
        """Say whether items stand between two rows."""
        return bisect_right(self._starts, before.start) < bisect_left(self._starts, row.start)

    @cached_property
    def _starts(self) -> list[int]:
        return [row.start for row in self.items]

    @cached_property
    def has_sections(self) -> bool:
        """Say whether headings of sections may stand between the rows, on their own or below a row."""
        if len(set(self.group.headings)) > 1:  # what stands above each part may say it
            return True
        return bool(self.sections) or any(goes_on(self.group, row) for row in self.group.rows)

    def _is_section(self, row: Row) -> bool:
        said = [cell for n in range(len(row.cells)) if sort_of(cell := self.group.said(row, n))]
        return len(said) == 1 and not is_sum(said[0], whole=False)


def long_lists(tables: Tables, tool: ToolSchema, *, always: bool = False) -> list[LongList]:
    """Find the tables that are read apart from the rest of the document; `always` takes short ones too.

    One is an array's where its columns fit, or where it is long and that of objects is the only array.
    """
    arrays_of = {array.name: array for array in arrays({}, tool.marked or tool.parameters)}
    wanted = {name: each for name, each in declared(tool).items() if name in arrays_of}
    fewest = FEWEST if always else LONG
    if not wanted or not fewest <= tables.text.count("\n") + 1 <= MAX_LINES:
        return []
    apart = any(array.headings for array in arrays_of.values())
    found = tables.groups(apart=apart, most=MAX_LINES)
    shared = {name for group in found for name in _alike(group, arrays_of)}
    wanted = {name: each for name, each in wanted.items() if name not in shared}
    lists = [each for group in found if (each := _list_of(group, wanted, arrays_of))]
    kept: list[LongList] = []
    for name in wanted:
        kept += _of_array([each for each in lists if each.declared.name == name], fewest)
    if len(kept) < 2:
        return kept
    rows = tuple(sorted(row.start for each in kept for row in each.group.rows))
    return [replace(each, elsewhere=rows) for each in kept]


def _alike(group: Group, arrays_of: dict[str, Array]) -> list[str]:
    """Name the arrays that a table fits equally well, and no heading tells apart: they are the model's."""
    fits = {
        name: len(columns)
        for name, array in arrays_of.items()
        if not array.headings and (columns := fitting(array, group)) is not None
    }
    best = [name for name, count in fits.items() if count == max(fits.values())]
    return best if len(best) > 1 else []


def _list_of(group: Group, wanted: dict[str, Declared], arrays_of: dict[str, Array]) -> LongList | None:
    """Find the array that a table has the rows of: that which most of its columns fit, else the only one."""
    best: tuple[int, str, list[int]] | None = None
    for name, array in arrays_of.items():
        columns = fitting(array, group) if is_meant(array, group) else None
        if columns is not None and (best is None or len(columns) > best[0]):
            best = len(columns), name, list(columns)
    if best is None and len(arrays_of) == 1 and len(group.rows) >= LONG:
        [(name, array)] = arrays_of.items()
        best = (0, name, []) if is_meant(array, group) and array.properties else None
    if best is None or best[1] not in wanted:
        return None
    _, name, fits = best
    columns_ = tuple(fits or range(group.columns))
    return LongList(wanted[name], arrays_of[name], group, columns_, bool(fits))


def _of_array(lists: Sequence[LongList], fewest: int) -> list[LongList]:
    """Give an array's long tables, and the shorter ones that fit it; none where it has no long one."""
    if max((len(each.items) for each in lists), default=0) < fewest:
        return []
    # Short ones too: nothing else reads their rows, and the model says of each whether they are the items.
    kept = [each for each in lists if len(each.items) >= fewest or each.fits]
    rows = [len(each.items) for each in kept]
    if len(kept) > MOST_TABLES:
        return []
    declared = kept[0].declared
    return kept if declared.fewest <= sum(rows) <= (declared.most or sum(rows)) else []
