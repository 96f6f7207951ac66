"""Numbers of a table's column: what each cell says, where the column tells which mark parts decimals."""

import re
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from docmill.tasks.checks.evidence import numbers
from docmill.tasks.checks.evidence.signs import PERCENT

LONGEST = 80  # characters of a cell that is a number
MARKS = ".,"
DIGITS = re.compile(r"\d(?:.*\d)?", re.DOTALL)
EXACT_DIGITS = 15  # that a JSON number holds, whoever reads it


@lru_cache(maxsize=50_000)
def _readings(said: str) -> tuple[dict[str, Decimal], bool] | None:
    """Read a cell by each mark of decimals, with its sign; None where it is no number, or one in words too.

    The second part says whether it is a percentage, of which the figure is given as it is written.
    """
    found = numbers.values(said) if len(said) <= LONGEST else set()
    match = DIGITS.search(said)
    if not found or match is None:
        return None
    percent = PERCENT.match(said, match.end()) is not None
    plain = numbers.plain(match[0])
    leading = "0" if said[: match.start()].endswith(tuple(MARKS)) else ""
    by_mark: dict[str, Decimal] = {}
    explained: set[Decimal] = set()
    for mark in MARKS:
        token = re.sub(f"[ '{MARKS.replace(mark, '')}]", "", (leading and leading + mark) + plain)
        if token.count(mark) > 1 or not token.replace(mark, "").isdecimal():
            continue
        figure = Decimal(token.replace(mark, "."))
        meant = {value for value in found if abs(value) == figure}
        if len(meant) == 1 and _is_grouped(plain, mark):
            by_mark[mark] = next(iter(meant))
        explained |= meant | ({value for value in found if abs(value) * 100 == figure} if percent else set())
    return (by_mark, percent) if by_mark and explained == found else None


def _is_grouped(plain: str, mark: str) -> bool:
    """Say whether decimals follow the last mark alone, and no group does."""
    return not re.search(r"[ '.,]", plain.rpartition(mark)[2]) if mark in plain else True


def votes(cells: Iterable[str]) -> Counter[str]:
    """Count the cells that can be read by one mark of decimals only."""
    counts: Counter[str] = Counter()
    for said in cells:
        read = _readings(said)
        if read and len(set(read[0].values())) == 1 and len(read[0]) == 1:
            counts.update(read[0].keys())
    return counts


def decided(own: Counter[str], others: Counter[str]) -> str | None:
    """Say which mark parts the decimals of a column, by its own cells or else by those of its table."""
    for counts in (own, others):
        if counts:
            return next(iter(counts)) if len(counts) == 1 else None
    return None


def figure(said: str, mark: str | None) -> tuple[Decimal, bool] | None:
    """Read a cell by the mark of its column, and say whether it is a percentage; None where that is open."""
    read = _readings(said)
    if read is None:
        return None
    by_mark, percent = read
    values = set(by_mark.values())
    if len(values) == 1:
        return values.pop(), percent
    return (by_mark[mark], percent) if mark in by_mark else None


def number(value: Decimal) -> int | float | None:
    """Write a number as JSON holds it; None where that would lose digits."""
    if len(value.normalize().as_tuple().digits) > EXACT_DIGITS:
        return None
    return int(value) if value == value.to_integral_value() else float(value)
