"""The header of a table that marks none: the last row without a digit before the rows that have some."""

from collections.abc import Iterator, Sequence

from docmill.tasks.checks.completeness.rows import Form, Row, Sheet, Table
from docmill.tasks.checks.completeness.words import is_label

MOST_FACTS = 50  # rows above a table


def headed(sheet: Sheet, form: Form, rows: Sequence[Row]) -> Iterator[Table]:
    """Give the table of some rows under its header, and what stands above it apart."""
    first = next((number for number, row in enumerate(rows) if _has_digits(sheet, row)), None)
    if first is None:
        yield from _of_words(sheet, form, rows)
        return
    first = _below_facts(sheet, rows) or first
    above = [number for number in range(first) if len(_said(sheet, rows[number])) > 1]
    at = above[-1] if above else first
    if rows[: min(at, first)]:
        yield Table(form, rows[0].start, (), list(rows[: min(at, first)]))
    header = tuple(map(sheet.said, rows[at].cells)) if above else ()
    yield Table(form, rows[at].start, header, list(rows[first:]))


def _below_facts(sheet: Sheet, rows: Sequence[Row]) -> int | None:
    """Find the first row below a header that has more cells than any row above it."""
    most = 0
    for number, row in enumerate(rows[:MOST_FACTS]):
        many = len(_said(sheet, row))
        if number and many > max(most, 2) and not _has_digits(sheet, row):
            return number + 1 if number + 1 < len(rows) and _has_digits(sheet, rows[number + 1]) else None
        most = max(most, many)
    return None


def _of_words(sheet: Sheet, form: Form, rows: Sequence[Row]) -> Iterator[Table]:
    """Where no cell has a digit, a header is known by its words alone."""
    cells = _said(sheet, rows[0])
    if len(rows) > 1 and sum(map(is_label, cells)) * 2 >= len(cells):
        yield Table(form, rows[0].start, tuple(map(sheet.said, rows[0].cells)), list(rows[1:]))
    else:
        yield Table(form, rows[0].start, (), list(rows))


def _said(sheet: Sheet, row: Row) -> list[str]:
    return [said for cell in row.cells if (said := sheet.said(cell))]


def _has_digits(sheet: Sheet, row: Row) -> bool:
    return any(map(str.isdecimal, sheet.text[row.start : row.end]))
