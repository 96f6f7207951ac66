"""Several answers to one question: the value that most of them give, and what they differ on."""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from docmill.tasks.checks.faults import Path, shown
from docmill.tasks.checks.pointers import ABSENT


@dataclass(frozen=True)
class Split:
    """A place that answers differ on: each value with its votes, most first; ABSENT where nothing stands."""

    path: Path
    given: tuple[tuple[Any, int], ...]

    def __str__(self) -> str:
        first, *others = (f"{votes} for {_said(value)}" for value, votes in self.given)
        return f"the votes differ: {', '.join([first, *others])}"


def majority(votes: Sequence[Any]) -> tuple[Any, tuple[Split, ...]]:
    """Give the value that most votes give, field by field; where as many give each, the first vote's.

    Numbers count by value and texts but for case and blanks. Arrays are compared item by item where they are
    equally long, and as a whole where they are not; another order of the same items is no difference.
    """
    splits: list[Split] = []
    return _merged((), votes, splits), tuple(splits)


def _merged(path: Path, values: Sequence[Any], splits: list[Split]) -> Any:
    ranked = _ranked(values)
    if len(ranked) == 1:
        return values[0]
    if all(isinstance(each, dict) for each in values):
        names = dict.fromkeys(name for each in values for name in each)
        merged = {
            name: _merged((*path, name), [each.get(name, ABSENT) for each in values], splits)
            for name in names
        }
        return {name: value for name, value in merged.items() if value is not ABSENT}
    if all(isinstance(each, list) for each in values) and len(set(map(len, values))) == 1:
        places = range(len(values[0]))
        return [_merged((*path, place), [each[place] for each in values], splits) for place in places]
    splits.append(Split(path, tuple(ranked)))
    return ranked[0][0]


def _ranked(values: Sequence[Any]) -> list[tuple[Any, int]]:
    """Count the votes of each value, as its first voter writes it; the most first."""
    counts: dict[str, list[Any]] = {}
    for value in values:
        counts.setdefault(_folded(value), []).append(value)
    return sorted(((each[0], len(each)) for each in counts.values()), key=lambda each: -each[1])


def _folded(value: Any) -> str:
    """Write alike what is the same answer."""
    if value is ABSENT:
        return ""
    return _written(_plain(value))


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted((_plain(each) for each in value), key=_written)
    if isinstance(value, str):
        return f"text {' '.join(unicodedata.normalize('NFKC', value).casefold().split())}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"number {Decimal(str(value)).normalize()}"
    return value


def _said(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    return shown(value)


def nearest(merged: Any, votes: Sequence[Any]) -> int:
    """Say which vote differs from a value in the fewest places; of equal ones the first."""
    return min(range(len(votes)), key=lambda place: len(list(_apart(merged, votes[place]))))


def _apart(one: Any, other: Any) -> Iterator[Split]:
    yield from majority([one, other])[1]
