"""Items of numbered and bulleted lists."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from docmill.tasks.checks.completeness.rows import Row, Sheet, Table

MARK = re.compile(r"(\s*)(?:([-*+•‣▪●◦–—·])|(\(?)(\d{1,5}|[a-zA-Z])([.)]))[ \t]+(?=\S)")
FURNITURE = re.compile(
    r"\W*(?:page|seite|pagina|página|стр\.?|-)?\s*\d{1,4}(?:\W|of|von|de|/|\d){0,12}", re.I
)


class Mark(NamedTuple):
    """A list's mark: its indentation, kind, number where it has one, and where the text begins."""

    indent: int
    kind: str
    number: int | None
    begin: int


class _List:
    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.rows: list[Row] = []
        self.lines: list[int] = []
        self.next: int | None = None

    def takes(self, mark: Mark) -> bool:
        """Say whether an item goes on with this list."""
        same = (mark.indent, mark.kind) == (self.mark.indent, self.mark.kind)
        return same and (
            mark.number is None or mark.number in (self.next, 1 if self.mark.number == 1 else None)
        )


def tables(sheet: Sheet) -> Iterator[Table]:
    """Give the lists of two items and more; what is indented below an item is part of it."""
    for each in _lists(sheet):
        if len(each.rows) > 1:
            sheet.take(each.lines)
            yield Table("list", each.rows[0].start, (), each.rows)


def _lists(sheet: Sheet) -> Iterator[_List]:
    last: _List | None = None
    blank = False
    for number, (start, text) in enumerate(sheet.lines):
        mark = _mark(text) if sheet.free[number] else None
        if mark and last and not last.takes(mark) and mark.indent > last.mark.indent:
            mark = None  # an item of an item
        elif mark:
            if last is None or not last.takes(mark):
                if last:
                    yield last
                last = _List(mark)
            end = start + len(text.rstrip())
            row = sheet.row(number, [(start + mark.begin, end)])
            last.rows.append(row)
            last.lines.append(number)
            last.next = None if mark.number is None else mark.number + 1
            blank = False
            continue
        if last and text.strip() and not (blank and text[:1].strip()):
            last.rows[-1] = last.rows[-1]._replace(reach=start + len(text))
            last.lines.append(number)
        elif last and blank and text.strip() and last.mark.number is None and not FURNITURE.fullmatch(text):
            yield last
            last = None
        # What begins at the margin after a blank line is none of the item's, nor is the line below it.
        blank = not text.strip() or (blank and text[:1].strip() != "")
    if last:
        yield last


def _mark(text: str) -> Mark | None:
    match = MARK.match(text)
    if match is None:
        return None
    indent, bullet, opened, counted, closed = match.groups()
    if bullet:
        return Mark(len(indent), bullet, None, match.end())
    if counted.isdecimal():
        return Mark(len(indent), opened + "1" + closed, int(counted), match.end())
    return Mark(len(indent), opened + "a" + closed, ord(counted), match.end()) if closed == ")" else None
