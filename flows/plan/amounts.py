"""Numbers that are not known exactly yet, and the calls of a step in them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Span:
    """A number from `low` to `high`, both possible, and what is most `likely`."""

    low: float = 0.0
    likely: float = 0.0
    high: float = 0.0

    def __add__(self, other: "Span") -> "Span":
        return Span(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, low: float, likely: float, high: float) -> "Span":
        """Multiply it by a number that is not known exactly either."""
        return Span(self.low * low, self.likely * likely, self.high * high)

    def by(self, other: "Span") -> "Span":
        """Multiply it by a span."""
        return self.times(other.low, other.likely, other.high)

    def over(self, number: float) -> "Span":
        """Divide it by a number."""
        return self.times(1 / number, 1 / number, 1 / number)

    def at_least(self, *others: "Span") -> "Span":
        """Give the largest of each."""
        spans = (self, *others)
        return Span(*(max(getattr(each, name) for each in spans) for name in ("low", "likely", "high")))

    def written(self, digits: int = 0) -> Any:
        """Give one number where it is known, else `[low, high]`; whole ones but for `digits`."""
        low, high = (round(each, digits) if digits else round(each) for each in (self.low, self.high))
        return low if low == high else [low, high]


def exactly(number: float) -> Span:
    """Give a number that is known."""
    return Span(number, number, number)


@dataclass(frozen=True)
class Calls:
    """The calls of one step to one model.

    `paid` and `cached` count them; `read_bytes` are the bodies of those that are paid, and `may_write` the
    tokens that their replies may have.
    """

    paid: Span = Span()
    cached: Span = Span()
    read_bytes: Span = Span()
    may_write: Span = Span()

    def __add__(self, other: "Calls") -> "Calls":
        return Calls(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Calls)))

    def or_cached(self) -> "Calls":
        """Give calls of which each may be in the cache instead."""
        return replace(self.perhaps(1), cached=Span(0, 0, self.paid.high))

    def perhaps(self, share: float) -> "Calls":
        """Give calls that may not be made, and are in this share of cases."""
        return Calls(*(getattr(self, each.name).times(0, share, 1) for each in fields(Calls)))


Amounts = Mapping[tuple[str, str], Calls]  # by step and model
NOTHING: Amounts = {}


def added(amounts: Iterable[Amounts]) -> dict[tuple[str, str], Calls]:
    """Add up what is done one after the other."""
    total: dict[tuple[str, str], Calls] = {}
    for each in amounts:
        for key, calls in each.items():
            total[key] = total.get(key, Calls()) + calls
    return total


def either(ways: Sequence[tuple[float, Amounts]]) -> Amounts:
    """Give what is done in one of several ways, each with its weight: the bounds are those of all."""
    keys = {key for _, amounts in ways for key in amounts}
    whole = sum(weight for weight, _ in ways) or 1.0
    weighed = [(weight / whole, amounts) for weight, amounts in ways]
    return {key: _either([(share, amounts.get(key, Calls())) for share, amounts in weighed]) for key in keys}


def _either(ways: Sequence[tuple[float, Calls]]) -> Calls:
    spans = []
    for each in fields(Calls):
        of_ways = [(share, getattr(calls, each.name)) for share, calls in ways]
        likely = sum(share * span.likely for share, span in of_ways)
        spans.append(
            Span(min(span.low for _, span in of_ways), likely, max(span.high for _, span in of_ways))
        )
    return Calls(*spans)
