"""Tables whose cells are separated by tabs, semicolons or commas."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from docmill.tasks.checks.completeness.headers import headed
from docmill.tasks.checks.completeness.rows import Row, Sheet, Span, Table, trimmed

FIELD = {each: re.compile(rf'\s*"(?:[^"]|"")*"\s*(?={each}|$)|[^{each}]*') for each in ("\t", ";", ",")}
IN_NUMBER = re.compile(r"\d,\d{2,3}(?!\d)")
MOST_WORDS = 8  # a cell, where commas separate cells and no parts of sentences
MOST_JOINED = 20  # lines of one quoted cell


def tabbed(sheet: Sheet) -> Iterator[Table]:
    """Give the tables whose cells are separated by tabs."""
    for run in sheet.runs(lambda text: "\t" in text.strip(" ").rstrip()):
        sheet.take(run)
        rows = [sheet.row(number, _cells(sheet, number, "\t")) for number in run]
        yield from headed(sheet, "separated", rows)


def listed(sheet: Sheet) -> Iterator[Table]:
    """Give the tables of CSV: as many semicolons or commas in each line, and no blanks after most of them."""
    for mark in (";", ","):
        for run in sheet.runs(lambda text, mark=mark: mark in text or text.count('"') % 2):  # type: ignore[misc]
            whole = list(_joined(sheet, run, mark))
            for many, same in groupby(whole, key=lambda row: len(row.cells)):
                rows = list(same)
                if many > 1 and len(rows) > 1 and _are_rows(sheet, rows, mark):
                    sheet.take([n for n in run if rows[0].start <= sheet.lines[n].start <= rows[-1].end])
                    yield from headed(sheet, "separated", rows)


def _joined(sheet: Sheet, run: Sequence[int], mark: str) -> Iterator[Row]:
    """Give rows of lines, of several where a quoted cell goes on."""
    numbers = iter(run)
    for first in numbers:
        start, text = sheet.lines[first]
        last = first
        while text.count('"') % 2 and last - first < MOST_JOINED and (following := next(numbers, None)):
            last = following
            text = sheet.text[start : sheet.lines[last].start + len(sheet.lines[last].text)]
        cells = list(_fields(text, start, mark))
        yield Row(
            start + len(text) - len(text.lstrip()),
            start + len(text.rstrip()),
            tuple(cells),
            start + len(text),
        )


def _cells(sheet: Sheet, number: int, mark: str) -> list[Span]:
    start, text = sheet.lines[number]
    return list(_fields(text, start, mark))


def _fields(text: str, origin: int, mark: str) -> Iterator[Span]:
    at = 0
    while at <= len(text):
        match = FIELD[mark].match(text, at)
        assert match is not None
        yield trimmed(text, at, match.end(), origin)
        at = match.end() + 1


def _are_rows(sheet: Sheet, rows: Sequence[Row], mark: str) -> bool:
    said = [sheet.text[row.start : row.end] for row in rows]
    marks = sum(each.count(mark) for each in said)
    loose = sum(each.count(mark + " ") for each in said)
    words = sum(len(each.split()) for each in said)
    numbers = sum(_is_in_numbers(each) for each in said) if mark == "," else 0
    return loose * 2 < marks and numbers * 2 < len(said) and words < MOST_WORDS * marks


def _is_in_numbers(said: str) -> bool:
    """Say whether all commas are those of numbers in a text: 1,200.00 and 1,440.00."""
    return " " in said and len(IN_NUMBER.findall(said)) == said.count(",")
