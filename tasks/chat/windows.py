"""Windows of a minute: when a call may go, so that no window holds more requests or tokens than it may."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

WINDOW_S = 60.0
PARTS = 100  # of a window: what was taken is known by them
AHEAD = 3 * PARTS  # a slot is given so far ahead at most
RING = PARTS + 1 + AHEAD + 1
SHARE = 0.99  # of a limit: calls arrive a little earlier or later than they were sent
BURST = 0.01  # of a window: what was missed of the pace so lately may be made up for

Resource = Literal["requests", "tokens"]
RESOURCES: tuple[Resource, Resource] = ("requests", "tokens")


@dataclass(frozen=True)
class Rates:
    """What a window may hold; infinite where nothing is said."""

    requests: float = math.inf
    tokens: float = math.inf

    @property
    def limited(self) -> bool:
        """Whether there is a limit at all."""
        return math.isfinite(self.requests) or math.isfinite(self.tokens)

    def smaller(self, other: "Rates") -> "Rates":
        """Take the smaller of each."""
        return Rates(min(self.requests, other.requests), min(self.tokens, other.tokens))

    def share_of(self, requests: float, tokens: float) -> float:
        """Say what share of a window so much is, of the resource of which it takes more."""
        return max(requests / self.requests, tokens / self.tokens)


@dataclass(frozen=True)
class Slot:
    """When a call may go: in `wait_s`, held back by `cause`.

    `part` is where it was written down; None where it is too far ahead: then it is asked for again.
    """

    wait_s: float
    cause: Resource
    part: int | None
    tokens: float


class Windows(Protocol):
    """What all callers of one lane have taken, wherever that is kept."""

    async def take(self, rates: Rates, tokens: float) -> Slot:
        """Reserve the next place for a call of so many tokens: first come, first served."""

    def settle(self, rates: Rates, slot: Slot, requests: float, tokens: float) -> None:
        """Correct what a slot took by what its call took in the end."""


@dataclass
class Taken:
    """What was taken of one resource: by parts of a window, and until when the pace is used up."""

    parts: list[float] = field(default_factory=lambda: [0.0] * RING)
    until: float = 0.0

    def earliest(self, part: int, amount: float, limit: float) -> int:
        """Find the first part, from the given one, whose window has room for an amount."""
        held = sum(self.parts[each % RING] for each in range(part - PARTS, part + 1))
        for _ in range(PARTS + 1):
            if held + amount <= limit + 1e-9:
                break
            held -= self.parts[(part - PARTS) % RING]
            part += 1
        return part


@dataclass
class State:
    """The windows of one lane at some moment, without a clock: `now` counts in windows.

    A slot is never before one that was given earlier, so that no call starves.
    """

    head: int = 0  # the newest part whose place in the ring is its own
    last: float = 0.0  # the slot given last
    taken: tuple[Taken, Taken] = field(default_factory=lambda: (Taken(), Taken()))

    def take(self, now: float, rates: Rates, tokens: float) -> Slot:
        """Reserve a place; a call that needs more than a whole window gets a window of its own."""
        self._turn(now)
        limits = (_usable(rates.requests, 1), _usable(rates.tokens, 0))
        amounts = (1.0, min(tokens, limits[1]))
        begins = [max(taken.until, now - BURST) for taken in self.taken]
        slot = max(now, self.last, *begins)
        firsts = [
            taken.earliest(_part(slot), amount, limit)
            for taken, amount, limit in zip(self.taken, amounts, limits, strict=True)
        ]
        cause = _cause(begins, firsts)
        if max(firsts) > _part(slot):
            slot = (max(firsts) + 1e-6) / PARTS
        part = _part(slot)
        if part > _part(now) + AHEAD:
            return Slot(1.0, cause, None, tokens)
        self.last = slot
        for taken, begin, amount, limit in zip(self.taken, begins, amounts, limits, strict=True):
            taken.until = begin + _cost(amount, limit)
            taken.parts[part % RING] += amount
        return Slot(slot - now, cause, part, amounts[1])

    def settle(self, now: float, rates: Rates, slot: Slot, requests: float, tokens: float) -> None:
        """Correct what a slot took."""
        self._turn(now)
        if slot.part is None or slot.part <= self.head - RING:
            return
        more = requests - 1, tokens - slot.tokens
        limits = (_usable(rates.requests, 1), _usable(rates.tokens, 0))
        for taken, amount, limit in zip(self.taken, more, limits, strict=True):
            place = slot.part % RING
            taken.parts[place] = max(0.0, taken.parts[place] + amount)
            taken.until += math.copysign(_cost(abs(amount), limit), amount)

    def is_sound(self, now: float) -> bool:
        """Say whether it can be of this clock: not so after a restart of the machine."""
        times: Sequence[float] = (self.last, *(taken.until for taken in self.taken))
        numbers = [*times, *(part for taken in self.taken for part in taken.parts)]
        ahead = 1 + AHEAD / PARTS
        in_time = self.head <= _part(now) + AHEAD and self.last <= now + ahead
        return in_time and all(map(math.isfinite, numbers)) and min(numbers) > -1e9

    def _turn(self, now: float) -> None:
        """Free the places of the ring that the time has come to."""
        head = _part(now) + AHEAD
        for part in range(max(self.head + 1, head - RING + 1), head + 1):
            for taken in self.taken:
                taken.parts[part % RING] = 0.0
        self.head = max(self.head, head)


def _part(moment: float) -> int:
    return math.floor(moment * PARTS)


def _usable(limit: float, least: float) -> float:
    return max(limit * SHARE, least) if math.isfinite(limit) else limit


def _cost(amount: float, limit: float) -> float:
    """Say how much of a window an amount uses up, where the window is a part longer than a minute."""
    return amount / limit * (1 + 1 / PARTS)


def _cause(begins: Sequence[float], firsts: Sequence[int]) -> Resource:
    by_requests = (firsts[0], begins[0]) >= (firsts[1], begins[1])
    return RESOURCES[not by_requests]
