"""How a value of a record is compared with the one that its label names."""

import json
import re
from collections.abc import Hashable
from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation, Overflow
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from docmill.tasks.checks.evidence import dates, numbers
from docmill.tasks.checks.evidence.folding import folded

LEAST_ALIKE = 0.9
ISO = re.compile(r"\d{4}-\d\d-\d\d")


class Written(str):
    """A value as a cell of a table writes it: a text, or the JSON of any other value."""

    __slots__ = ()


class Comparison:
    """Whether two values are the same: as they are, or by what their type says; see `of`."""

    def same(self, wanted: Any, got: Any) -> bool:
        """Compare two values that are there."""
        if isinstance(wanted, Written):
            if isinstance(got, str):
                return wanted.strip() == got.strip()
            wanted = value_of(wanted)
        if isinstance(wanted, str) and isinstance(got, str):
            return wanted.strip() == got.strip()
        return isinstance(wanted, bool) is isinstance(got, bool) and bool(wanted == got)

    def form(self, value: Any) -> Hashable:
        """Give what is equal for values that are the same; a few of those may differ in it."""
        if isinstance(value, str):
            return value.strip()
        return json.dumps(value, sort_keys=True, ensure_ascii=False)


class Text(Comparison):
    """Texts but for case, blanks and the forms of Unicode; of those that are `least` alike or more."""

    def __init__(self, least: float = 1.0) -> None:
        self._least = least

    def same(self, wanted: Any, got: Any) -> bool:
        """Compare the folded texts; what is no text as it is."""
        if not isinstance(got, str) or not isinstance(wanted, str):
            return super().same(wanted, got)
        first, second = _folded(wanted), _folded(got)
        return first == second or (self._least < 1 and self._alike(first, second))

    def form(self, value: Any) -> Hashable:
        """Give the folded text."""
        return _folded(value) if isinstance(value, str) else super().form(value)

    def _alike(self, first: str, second: str) -> bool:
        matcher = SequenceMatcher(None, first, second, autojunk=False)
        bounds = matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio  # each closer than the last
        return all(bound() >= self._least for bound in bounds)


class Number(Comparison):
    """Numbers by their value, however they are written, within a tolerance."""

    def __init__(self, tolerance: Decimal = Decimal(0), *, relative: bool = False) -> None:
        self._tolerance = tolerance
        self._relative = relative

    def same(self, wanted: Any, got: Any) -> bool:
        """Compare each way in which both can be read."""
        read, other = _numbers(wanted), _numbers(got)
        if not read or not other:
            return super().same(wanted, got)
        return any(abs(each - value) <= self._room(each) for each in read for value in other)

    def form(self, value: Any) -> Hashable:
        """Give the number, where it can be read in one way alone."""
        read = _numbers(value)
        return next(iter(read)).normalize() if len(read) == 1 else super().form(value)

    def _room(self, wanted: Decimal) -> Decimal:
        return abs(wanted) * self._tolerance if self._relative else self._tolerance


class Date(Comparison):
    """Dates by the day, however they are written."""

    def same(self, wanted: Any, got: Any) -> bool:
        """Compare each way in which both can be read."""
        read, other = _days(wanted), _days(got)
        return not read.isdisjoint(other) if read and other else super().same(wanted, got)

    def form(self, value: Any) -> Hashable:
        """Give the day, where it can be read in one way alone."""
        read = _days(value)
        return next(iter(read)) if len(read) == 1 else super().form(value)


def of(declared: str) -> Comparison:
    """Make a comparison of how it is declared, such as `number 0.01`, `number 1%` or `fuzzy 0.8`."""
    name, _, said = declared.partition(" ")
    if name == "number":
        share = Decimal(said.rstrip("%") or 0)
        return Number(share / 100, relative=True) if said.endswith("%") else Number(share)
    if name == "fuzzy":
        return Text(float(said) if said else LEAST_ALIKE)
    return {"text": Text(), "date": Date()}.get(name, Comparison())


def value_of(cell: Written) -> Any:
    """Read a cell as JSON; what is none stays text."""
    try:
        return json.loads(cell)
    except ValueError:
        return str(cell)


@lru_cache(maxsize=65_536)
def _folded(text: str) -> str:
    return folded(text).text.strip()


def _numbers(value: Any) -> frozenset[Decimal]:
    if isinstance(value, str):
        return _numbers_of(value)
    return frozenset() if isinstance(value, bool) or value is None else _decimal(value)


def _decimal(value: Any) -> frozenset[Decimal]:
    try:
        read = Decimal(str(value))
    except (InvalidOperation, Overflow):  # a list, an object, what no number is so large
        return frozenset()
    return frozenset({read}) if read.is_finite() else frozenset()


@lru_cache(maxsize=65_536)
def _numbers_of(text: str) -> frozenset[Decimal]:
    return _decimal(text.strip()) or frozenset(numbers.values(text))  # as JSON writes it: in one way alone


def _days(value: Any) -> frozenset[date]:
    return _days_of(value) if isinstance(value, str) else frozenset()


@lru_cache(maxsize=65_536)
def _days_of(text: str) -> frozenset[date]:
    if ISO.fullmatch(text.strip()):
        with suppress(ValueError):  # no day that there is
            return frozenset({date.fromisoformat(text.strip())})
    return frozenset(dates.days(text))
