"""Dates of a table's column: what each cell says, where the column tells whether the day comes first."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from docmill.tasks.checks.evidence import dates

LONGEST = 40  # characters of a cell that is a date
YEAR = re.compile(r"(?<![\d.,])(?:19|20|21)\d\d(?![\d]|[.,]\d)")
WHOLE_YEAR = re.compile(r"\d{4}")
FIRST = re.compile(r"\d+")
CENTURY, AHEAD = 100, 30
FIGURES = re.compile(r"[\d\s./-]+")  # a date without a month's name, which would tell nothing of the order


def latest_year(text: str) -> int | None:
    """Give the latest year that a text has with four digits."""
    return max((int(match[0]) for match in YEAR.finditer(text)), default=None)


@lru_cache(maxsize=50_000)
def _readings(said: str, latest: int | None) -> frozenset[date]:
    """Read a cell in each way; two digits are a year of the hundred that end after the document's latest."""
    found = dates.days(said) if len(said) <= LONGEST else set()
    if WHOLE_YEAR.search(said):
        return frozenset(found)
    if latest is None:
        return frozenset()
    if any(latest + 1 < day.year <= latest + AHEAD for day in found):
        return frozenset()  # a day that things expire on, or one of the century before: that is open
    return frozenset(day for day in found if latest + 1 - CENTURY < day.year <= latest + 1)


def order(cells: Iterable[str], latest: int | None) -> str | None:
    """Say whether the day or the month is first, by the cells that can be read in one way only."""
    told: Counter[str] = Counter()
    for said in cells:
        found = _readings(said, latest)
        first = FIRST.search(said)
        if len(found) == 1 and first and FIGURES.fullmatch(said):
            [day] = found
            if day.day != day.month:
                told.update(each for each in ("day", "month") if getattr(day, each) == int(first[0]))
    return next(
        (each for each, other in (("day", "month"), ("month", "day")) if told[each] > told[other] == 0), None
    )


def day(said: str, order: str | None, latest: int | None) -> date | None:
    """Read a cell by the order of its column; None where that is open."""
    found = _readings(said, latest)
    first = FIRST.search(said)
    if len(found) > 1 and order and first:
        found = frozenset(each for each in found if getattr(each, order) == int(first[0]))
    return next(iter(found)) if len(found) == 1 else None
