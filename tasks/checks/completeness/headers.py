"""The header of a table that marks none: the last row without a digit before the rows that have some."""

from collections.abc import Iterator, Sequence

from docmill.tasks.checks.completeness.rows import Form, Row, Sheet, Table
from docmill.tasks.checks.completeness.words import is_label


def headed(sheet: Sheet, form: Form, rows: Sequence[Row]) -> Iterator[Table]:
    """Give the table of some rows under its header, and what stands above it apart."""
    first = next((number for number, row in enumerate(rows) if _has_digits(sheet, row)), None)
    if first is None:
        yield from _of_words(sheet, form, rows)
        return
    above = [number for number in range(first) if len(_said(sheet, rows[number])) > 1]
    at = above[-1] if above else first
    if rows[: min(at, first)]:
        yield Table(form, rows[0].start, (), list(rows[: min(at, first)]))
    header = tuple(map(sheet.said, rows[at].cells)) if above else ()
    yield Table(form, rows[at].start, header, list(rows[first:]))


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
