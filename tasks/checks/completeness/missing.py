"""What is missing of a record's arrays: the rows of the document that stand for no item."""

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from docmill.schemas.outcome import MissingRow
from docmill.tasks.checks.completeness.arrays import Array, arrays
from docmill.tasks.checks.completeness.fitting import WHOLE, fitting, is_meant, names_all
from docmill.tasks.checks.completeness.groups import Group, Tables
from docmill.tasks.checks.completeness.rows import MAX_LINES, Row
from docmill.tasks.checks.completeness.siblings import Pattern, is_header
from docmill.tasks.checks.completeness.standing import Rows, Standing, standings
from docmill.tasks.checks.completeness.words import alike
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.faults import place
from docmill.tasks.checks.subschemas import Schema

MAX_MISSING = 10_000  # rows that are told
LONGEST_QUOTE = 1_000
NONE_READ: Mapping[str, Set[int]] = {}
ENDS = re.compile(
    r"[*_`]{0,3}(?:\s*(?:[,;:|(–—-]|\n|$)|  |\t| \d)"
)  # what follows the name that a list's item begins with


@dataclass(frozen=True)
class Completeness:
    """The rows of a document that stand for no item of an array, and the items that stand for another's row.

    `missing` and `repeated` count by the array's place; they name no key that the schema does not. `is_cut`
    says that the document has more lines than are looked through, so that rows of it are not known.
    """

    rows: tuple[MissingRow, ...]
    missing: dict[str, int]
    repeated: dict[str, int]
    is_cut: bool = False


def completeness(
    grounds: Grounds,
    record: dict[str, Any],
    schema: Schema,
    until: int | None = None,
    read: Mapping[str, Set[int]] = NONE_READ,
    tables: Tables | None = None,
) -> Completeness:
    """Hold a record's arrays against what its document lists, up to a place in its text.

    `read` has the arrays at the record's top whose items code has made of their rows, each with where these
    begin: neither the arrays nor their tables are looked at. `tables` are the document's, where known.
    """
    told: list[MissingRow] = []
    missing: Counter[str] = Counter()
    wanted = [array for array in arrays(record, schema) if array.named[0] not in read]
    is_cut = bool(wanted) and grounds.original.count("\n", 0, until) > MAX_LINES
    apart = any(array.headings for array in wanted)
    listed = (tables or Tables(grounds.original)).groups(apart=apart) if wanted else []
    found = [group for group in listed if not any(_is_read(group, starts) for starts in read.values())]
    if not found:
        return Completeness((), {}, {}, is_cut)
    rows = Rows(grounds, found)
    chosen = {id(array): _chosen(rows, array, found) for array in wanted}
    for array, left in _left(rows, wanted, chosen, found):
        within = [row for row in left if until is None or row.start < until]
        if within:
            missing[place(array.named)] += len(within)
            where = _Places(rows, array, chosen[id(array)])
            told += [entry(where.of(row), row, grounds) for row in within[: MAX_MISSING - len(told)]]
    repeated = {place(array.named): len(_repeated(chosen[id(array)])) for array in wanted}
    told.sort(key=lambda each: each.start)
    repeated = {name: many for name, many in repeated.items() if many}
    return Completeness(tuple(told), dict(missing), repeated, is_cut)


def _is_read(group: Group, starts: Set[int]) -> bool:
    return any(row.start in starts for row in group.rows)


def _left(
    rows: Rows, wanted: Sequence[Array], chosen: dict[int, list[Standing]], found: Sequence[Group]
) -> Iterator[tuple[Array, list[Row]]]:
    """Give the rows that stand for nothing: of the tables that items stand in, and of those that fit."""
    users: dict[int, list[tuple[Array, Standing]]] = defaultdict(list)
    for array in wanted:
        for standing in chosen[id(array)]:
            users[id(standing.group)].append((array, standing))
    numbers: dict[int, list[int]] = defaultdict(list)
    for number in rows.numbers():
        numbers[id(rows.group(number))].append(number)
    for group in found:
        of_group = numbers[id(group)]
        if group_users := users.get(id(group)):
            for array, standing in _apart(group_users):
                taken = _taken(standing, [other for _, other in group_users if other is not standing])
                known = [rows.row(number) for number in standing.taken]
                pattern = Pattern.of(group, known, standing.columns)
                free = [rows.row(number) for number in of_group if number not in taken]
                yield array, _fitting_rows(pattern, free, array)
        elif match := _array_of(group, wanted, chosen):
            array, columns = match
            pattern = Pattern.fitting(group, columns)
            yield array, _fitting_rows(pattern, [rows.row(number) for number in of_group], array)


def _apart(users: list[tuple[Array, Standing]]) -> list[tuple[Array, Standing]]:
    """Of arrays that share a table, but no row of it, leave the one that has most: no row is told twice."""
    found: list[tuple[Array, Standing]] = []
    for each in sorted(users, key=lambda user: -len(user[1].taken)):
        if all(not each[1].taken.keys().isdisjoint(other.taken) for _, other in found):
            found.append(each)
    return found


def _fitting_rows(pattern: Pattern, free: Sequence[Row], array: Array) -> list[Row]:
    names = [*array.properties, array.name]
    return [row for row in free if pattern.fits(row) and not is_header(pattern.group, row, names)]


def _taken(standing: Standing, others: Sequence[Standing]) -> set[int]:
    """Give the rows that items stand for; those of other arrays too, where they share none."""
    taken = set(standing.taken)
    for other in others:
        if standing.taken.keys().isdisjoint(other.taken):
            taken |= other.taken.keys()
    return taken


def _array_of(
    group: Group, wanted: Sequence[Array], chosen: dict[int, list[Standing]]
) -> tuple[Array, list[int]] | None:
    """Find the array that a table is meant for in which no item stands."""
    best: tuple[int, Array, list[int]] | None = None
    for array in wanted:
        if not is_meant(array, group) or (chosen[id(array)] and not names_all(array, group)):
            continue
        if array.items and not chosen[id(array)] and not (array.headings or names_all(array, group)):
            continue
        columns = fitting(array, group)
        if columns is None and array.headings:
            columns = dict.fromkeys((n for n, sort in enumerate(group.sorts) if sort), "")
        if columns is not None and (best is None or len(columns) > best[0]):
            best = len(columns), array, list(columns)
    return best[1:] if best else None


def _chosen(rows: Rows, array: Array, found: Sequence[Group]) -> list[Standing]:
    """Choose the tables that an array was taken from: as few as have all items that stand in any."""
    meant = [group for group in found if is_meant(array, group)]
    left = [each for each in standings(rows, array, meant) if _is_taken_from(rows, array, each)]
    chosen: list[Standing] = []
    covered: set[int] = set()
    while left:
        best = max(left, key=lambda each: _worth(each, covered))
        new = {id(item) for item in best.taken.values()} - covered
        if not new:
            break
        chosen.append(best)
        covered |= new
        left.remove(best)
    for each in chosen:
        each.extra = [item for item in each.extra if id(item) not in covered]
    return chosen


def _worth(standing: Standing, covered: set[int]) -> tuple[int, int, int]:
    """Rank a table by the items that it alone has, the values that stand in it, and how few rows are left."""
    new = sum(id(item) not in covered for item in standing.taken.values())
    return new, sum(standing.columns.values()), len(standing.taken) - len(standing.group.rows)


def _is_taken_from(rows: Rows, array: Array, standing: Standing) -> bool:
    """Say whether it is no accident that items stand in a table."""
    group, taken = standing.group, standing.taken
    if not standing.strong and max(standing.columns.values(), default=0) < 2:
        return False
    used = set(standing.columns)
    names = [array.name, *array.properties]
    headed = any(alike(name, group.header[n]) for n in used if n < len(group.header) for name in names)
    if not array.properties and not headed and 2 * len(taken) < len(array.items):
        return False
    if group.form == "list":
        return sum(_is_of_item(rows, number, item) for number, item in taken.items()) * 2 >= len(taken)
    if group.columns == 2 and used == {1} and not headed:
        labels = [group.said(row, 0) for row in group.rows]
        return len(set(labels)) < len(labels) or any(map(str.isdecimal, "".join(labels)))
    return True


def _is_of_item(rows: Rows, number: int, item: Any) -> bool:
    """Say whether an item begins as a list's does, or has much of it: it is no word out of a paragraph.

    So it is, too, where all its values stand there: several, or two of which the list's item begins with one.
    """
    row = rows.row(number)
    found = [at for places in rows.known(item) if (at := places.get(number))]
    first = [at for at in found if at.whole]
    is_all = len(found) == len(item.anchors) and (len(found) >= WHOLE or 0 < len(first) < len(found))
    said = sum(at.span[1] - at.span[0] for at in found)
    begins = any(ENDS.match(rows.text, at.span[1]) for at in first)
    return is_all or begins or said * 5 >= 3 * (row.end - row.start)


def _repeated(chosen: Sequence[Standing]) -> set[int]:
    return {id(item) for standing in chosen for item in standing.extra}


class _Places:
    """Where an array stands in a record: of several places that whose item comes last before a row."""

    def __init__(self, rows: Rows, array: Array, chosen: Sequence[Standing]) -> None:
        taken = [pair for standing in chosen for pair in standing.taken.items()] if array.places[1:] else []
        known = sorted((rows.row(number).start, item.array) for number, item in taken)
        self._starts = [start for start, _ in known]
        self._arrays = [path for _, path in known]
        self._first = array.places[0]

    def of(self, row: Row) -> str:
        """Name the place of the array that a row is missing in."""
        at = bisect_right(self._starts, row.start)
        return place(self._arrays[max(0, at - 1)] if self._arrays else self._first)


def entry(where: str, row: Row, grounds: Grounds) -> MissingRow:
    """Tell of a row that it is missing in the array at a place."""
    end = min(row.end, row.start + LONGEST_QUOTE)
    return MissingRow(path=where, start=row.start, end=end, quote=grounds.original[row.start : end])
