"""The items of an array that code reads out of a table's columns, each value with its cell."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from docmill.tasks.checks.completeness.rows import Row, Span
from docmill.tasks.checks.lists.cells import goes_on, is_whole, said
from docmill.tasks.checks.lists.days import latest_year
from docmill.tasks.checks.lists.declared import kinds
from docmill.tasks.checks.lists.found import LongList
from docmill.tasks.checks.lists.readers import LEFT_OUT, UNREAD, Column, Read, column_marks, reader

Columns = Mapping[str, int | None]  # of an item's properties


@dataclass(frozen=True)
class Filled:
    """An item, its row, and the cells of its values; None where a search has to find them."""

    row: Row
    item: Any
    cells: Mapping[str, Span] | None = None


@dataclass
class Filling:
    """What code made of a table: its items, and the rows that the model has to read.

    An item has to be made of those of `odd`; those of `doubtful` may stand for none.
    """

    items: list[Filled] = field(default_factory=list)
    odd: list[Row] = field(default_factory=list)
    doubtful: list[Row] = field(default_factory=list)


def column_faults(found: LongList, columns: Columns) -> str | None:
    """Say what is wrong with columns that were named for an item's properties; None where nothing is."""
    declared = found.declared
    used = [number for number in columns.values() if number is not None]
    if twice := sorted({number for number in used if used.count(number) > 1}):
        names = [name for name, number in columns.items() if number in twice]
        return f"One column stands for one property at most: {', '.join(names)}."
    if not used:
        return "At least one property has to have a column."
    lacking = [
        name
        for name in declared.properties
        if columns.get(name) is None and name in declared.required and not _may_be_null(found, name)
    ]
    return f"These properties have to have a column: {', '.join(lacking)}." if lacking else None


def is_for_code(found: LongList, columns: Columns) -> bool:
    """Say whether all that an item has stands in columns, so that nothing is lost where code reads it.

    What the model has to judge without a column, and what the headings of sections say, code does not know.
    """
    declared = found.declared
    left = [name for name in declared.properties if columns.get(name) is None]
    return (
        found.has_columns
        and column_faults(found, columns) is None
        and not any(declared.inferred(name) for name in left)
        and not (left and found.has_sections)
    )


def filling(found: LongList, columns: Columns) -> Filling:
    """Read the rows of a table by the columns of an item's properties."""
    used = {name: number for name, number in columns.items() if number is not None}
    rows = found.within(sorted(used.values()))
    starts = {row.start for row in rows}
    left = [row for row in found.items if row.start not in starts]  # what completeness wants an item for
    made = Filling(odd=left, doubtful=found.doubtful(sorted(used.values()), [*rows, *left]))
    readers = _readers(found, used, rows)
    usual = (
        len(found.group.header) or Counter(len(row.cells) for row in found.group.rows).most_common(1)[0][0]
    )
    for row in rows:
        whole = is_whole(found.group, row, usual) and not goes_on(found.group, row)
        values = _values(found, row, used, readers) if whole else None
        if values is None:
            made.odd.append(row)
            continue
        for name in columns.keys() - used.keys():
            if name in found.declared.required:
                values[name] = None
        ordered = {name: values[name] for name in found.declared.properties if name in values}
        cells = {name: row.cells[number] for name, number in used.items() if values.get(name) is not None}
        made.items.append(Filled(row, found.declared.item(ordered), cells))
    return made


def in_order(items: Iterable[Filled]) -> list[Filled]:
    """Put items in the order of their rows; those of one row stay as they come."""
    return sorted(items, key=lambda each: each.row.start)


def _may_be_null(found: LongList, name: str) -> bool:
    return "null" in kinds(found.declared.properties[name])


def _readers(found: LongList, used: Mapping[str, int], rows: Sequence[Row]) -> dict[str, Read]:
    properties = found.declared.properties
    cells = {name: [said(found.group, row, number) or "" for row in rows] for name, number in used.items()}
    make = partial(Column, marks=column_marks(cells, properties), latest=latest_year(found.group.sheet.text))
    return {
        name: reader(make(name, properties[name], name in found.declared.required, cells[name]))
        for name in used
    }


def _values(
    found: LongList, row: Row, used: Mapping[str, int], readers: Mapping[str, Read]
) -> dict[str, Any] | None:
    """Read a row; None where a cell does not fit its property."""
    values: dict[str, Any] = {}
    for name, number in used.items():
        cell = said(found.group, row, number)
        value = UNREAD if cell is None else readers[name](cell)
        if value is UNREAD:
            return None
        if value is not LEFT_OUT:
            values[name] = value
    return values
