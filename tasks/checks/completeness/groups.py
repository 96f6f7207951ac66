"""The tables of a document; those that go on elsewhere, as on another page, are joined."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from docmill.tasks.checks.completeness import aligned, blocks, lists, objects, piped, separated
from docmill.tasks.checks.completeness.rows import MAX_LINES, Form, Row, Sheet, Table, sort_of
from docmill.tasks.checks.completeness.words import words

FORMS = (
    piped.tables,
    objects.tables,
    separated.tabbed,
    blocks.tables,
    lists.tables,
    separated.listed,
    aligned.tables,
    aligned.loose,
)
FEW_COLUMNS = 2  # of tables without a header that have no more, those that stand together are one
MOST_LINES_BETWEEN, MOST_CHARS_BETWEEN = 4, 300
MOST_FIRST = 50  # rows that tell what goes on with a table
MAX_GROUPS = 2_000  # what comes later is joined to none
HEADING_CHARS, HEADING_LINES = 400, 2


@dataclass
class Group:
    """One table, in one piece or in several; `heads` are where its pieces begin."""

    sheet: Sheet
    form: Form
    header: tuple[str, ...]
    rows: list[Row]
    heads: list[int]

    @cached_property
    def columns(self) -> int:
        """The number of its columns."""
        return max([len(self.header), *(len(row.cells) for row in self.rows)])

    @cached_property
    def sorts(self) -> tuple[str, ...]:
        """What sort of cells most of each column's are, sums left out."""
        return sorts_of(self.sheet, self.rows, self.columns)

    @cached_property
    def first_sorts(self) -> tuple[str, ...]:
        """The same of its first rows: known before others are joined to it."""
        rows = self.rows[:MOST_FIRST]
        return sorts_of(self.sheet, rows, max([len(self.header), *(len(row.cells) for row in rows)]))

    @cached_property
    def headings(self) -> list[str]:
        """What stands above its pieces."""
        return [_heading(self.sheet.text, at) for at in self.heads]

    def said(self, row: Row, column: int) -> str:
        """Give what a row says in a column."""
        return self.sheet.said(row.cells[column]) if column < len(row.cells) else ""

    def repeats_header(self, row: Row) -> bool:
        """Say whether a row is the header once more."""
        pairs = [(self.said(row, n), label) for n, label in enumerate(self.header)]
        said = [(words(cell), words(label)) for cell, label in pairs if cell]
        return bool(said) and all(cell == label for cell, label in said) and any(cell for cell, _ in said)


def sorts_of(sheet: Sheet, rows: Sequence[Row], columns: int) -> tuple[str, ...]:
    """Say of each column what sort most of its cells are; nothing where all are empty."""
    counts: list[Counter[str]] = [Counter() for _ in range(columns)]
    for row in rows:
        for column, cell in enumerate(row.cells[:columns]):
            if sort := sort_of(sheet.said(cell)):
                counts[column][sort] += 1
    return tuple(count.most_common(1)[0][0] if count else "" for count in counts)


def groups(text: str, *, apart: bool = False, most: int = MAX_LINES) -> list[Group]:
    """Find all that a document lists, in its order, in so many lines at most.

    `apart` joins no tables that have words between them.
    """
    sheet = Sheet(text, most)
    tables = [table for form in FORMS for table in form(sheet)]
    joined: list[Group] = []
    by_header: dict[tuple[Form, tuple[tuple[str, ...], ...]], Group] = {}
    for table in sorted(tables, key=lambda each: each.start):
        key = (table.form, tuple(map(words, table.header)))
        before = by_header.get(key) if any(key[1]) else None
        group = before or _gone_on(sheet, table, joined)
        if group and not (apart and _are_words(text, group, table)):
            group.rows += table.rows
            group.heads.append(table.start)
        else:
            group = Group(sheet, table.form, table.header, list(table.rows), [table.start])
            joined.append(group)
            by_header[key] = group
    return joined


class Tables:
    """What a document lists, found once for all who look."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = text.count("\n") + 1
        self._found: dict[tuple[bool, int], list[Group]] = {}

    def groups(self, *, apart: bool = False, most: int = MAX_LINES) -> list[Group]:
        """Give what `groups` finds."""
        key = apart, min(most, self._lines)
        if key not in self._found:
            self._found[key] = groups(self.text, apart=apart, most=most)
        return self._found[key]


def _are_words(text: str, group: Group, table: Table) -> bool:
    """Say whether there is more between two tables than the number of a page."""
    between = text[group.rows[-1].end if group.rows else group.heads[-1] : table.start].split("\n")
    return any(
        any(map(str.isalpha, line)) and not lists.FURNITURE.fullmatch(line.strip()) for line in between
    )


def _gone_on(sheet: Sheet, table: Table, before: Sequence[Group]) -> Group | None:
    """Find the table that rows without a header go on with: as many columns, of the same sorts."""
    if table.header or table.form == "list" or len(before) > MAX_GROUPS:
        return None
    columns = max(len(row.cells) for row in table.rows)
    sorts = sorts_of(sheet, table.rows, columns)
    for group in reversed(before[-20:]):
        if group.form == table.form and _are_alike(group, sorts):
            near = table.form != "loose" and columns > FEW_COLUMNS and ("n" in sorts or "d" in sorts)
            if near or _is_near(sheet.text, group, table):
                return group
    return None


def _are_alike(group: Group, sorts: Sequence[str]) -> bool:
    own = group.first_sorts
    return len(own) == len(sorts) and all(a == b or not (a and b) for a, b in zip(own, sorts, strict=True))


def _is_near(text: str, group: Group, table: Table) -> bool:
    between = text[group.rows[-1].end : table.start] if group.rows else ""
    return len(between) <= MOST_CHARS_BETWEEN and len(between.split("\n")) <= MOST_LINES_BETWEEN + 2


def _heading(text: str, at: int) -> str:
    """Give the lines right above a place, and the last heading of Markdown."""
    above = text[max(0, at - HEADING_CHARS) : at].split("\n")
    said = [line.strip() for line in above if line.strip()]
    marked = [line for line in said if line.startswith("#")]
    return "\n".join([*marked[-1:], *said[-HEADING_LINES:]])


def label_of(group: Group, row: Row) -> str:
    """Give the first cell of a row that says something in words."""
    return next((said for cell in row.cells if sort_of(said := group.sheet.said(cell)) == "t"), "")
