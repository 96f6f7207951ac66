"""What a server says is left of its limits: it also tells of what others take of the same account."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from docmill.tasks.chat.windows import RESOURCES, WINDOW_S, Resource

NAMES: dict[Resource, dict[str, Sequence[str]]] = {
    resource: {
        said: (f"x-ratelimit-{said}-{resource}", f"anthropic-ratelimit-{resource}-{said}")
        for said in ("limit", "remaining", "reset")
    }
    for resource in RESOURCES
}
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
UNITS_S = (3600.0, 60.0, 1.0, 0.001)
EPOCH_S, EPOCH_MS = 1e9, 1e12  # numbers from here on are times, no durations
LONGEST_S = WINDOW_S  # what is whole again later is no minute's limit: of that the server's refusals tell


def number_of(headers: Mapping[str, str], resource: Resource, said: str) -> float | None:
    """Read a number, such as a limit; None where there is none that is sound."""
    for name in NAMES[resource][said]:
        try:
            number = float(headers.get(name, ""))
        except ValueError:
            continue
        if math.isfinite(number) and number >= 0:
            return number
    return None


def seconds_to(said: str, now: datetime | None = None) -> float | None:
    """Read when a limit is whole again: `6m0s`, `120ms`, seconds, a moment as RFC 3339 or since 1970."""
    found = DURATION.fullmatch(said)
    if said and found:
        return sum(float(part) * unit for part, unit in zip(found.groups("0"), UNITS_S, strict=True))
    moment = now or datetime.now(UTC)
    try:
        number = float(said)
    except ValueError:
        return _until(said, moment)
    if not math.isfinite(number) or number < 0:
        return None
    if number < EPOCH_S:
        return number
    return max(0.0, number / (1000 if number >= EPOCH_MS else 1) - moment.timestamp())


def _until(said: str, now: datetime) -> float | None:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


@dataclass(frozen=True)
class _Said:
    """What was left when a call was sent, after so much that we had `spent`, and how it fills up again."""

    at: float
    spent: float
    left: float
    limit: float
    reset_s: float


@dataclass
class Left:
    """One resource of a lane; times are of the loop's clock. `spent` is all that we have taken of it."""

    spent: float = 0.0
    _said: _Said | None = None

    @property
    def is_told(self) -> bool:
        """Whether a server has said anything of it."""
        return self._said is not None

    def heard(self, left: float, limit: float | None, reset_s: float, at: float, spent: float) -> None:
        """Take in what the answer to a call says that was sent at that moment; an older one tells nothing."""
        if self._said is None or at >= self._said.at:
            self._said = _Said(at, spent, left, max(limit or left, left), reset_s)

    def wait_s(self, need: float, now: float) -> float:
        """Say how long a call that needs so much has to wait.

        A limit fills up evenly until its reset: where it is told, the wait is for what is lacking. What it
        says of more than a minute is passed over.
        """
        if (said := self._said) is None:
            return 0.0
        since, taken = now - said.at, self.spent - said.spent
        if since >= said.reset_s:
            return 0.0
        full = said.limit - said.left
        a_second = full / said.reset_s if full > 0 else 0.0
        lacking = min(need, said.limit or need) + taken - said.left - a_second * since
        if lacking <= 0:
            return 0.0
        wait_s = min(lacking / a_second, said.reset_s - since) if a_second else said.reset_s - since
        return wait_s if wait_s <= LONGEST_S else 0.0


@dataclass
class AllLeft:
    """Requests and tokens of one lane."""

    of: dict[Resource, Left] = field(default_factory=lambda: {each: Left() for each in RESOURCES})

    def spent(self) -> tuple[float, ...]:
        """Give all that we have taken of each."""
        return tuple(self.of[each].spent for each in RESOURCES)

    @property
    def is_told(self) -> bool:
        """Whether a server has said anything of it."""
        return any(each.is_told for each in self.of.values())

    def spend(self, requests: float, tokens: float) -> None:
        """Note what is taken now, or what was not taken after all."""
        for resource, amount in zip(RESOURCES, (requests, tokens), strict=True):
            self.of[resource].spent += amount

    def heard(
        self, headers: Mapping[str, str], at: float, before: Sequence[float], own: Sequence[float]
    ) -> None:
        """Read the headers of the answer to a call that was sent at that moment, after so much was spent.

        What is left is without the call's `own`.
        """
        for resource, spent, amount in zip(RESOURCES, before, own, strict=True):
            left = number_of(headers, resource, "remaining")
            resets = (seconds_to(headers[name]) for name in NAMES[resource]["reset"] if name in headers)
            reset_s = next((each for each in resets if each is not None), None)
            if left is not None and reset_s:
                limit = number_of(headers, resource, "limit")
                self.of[resource].heard(left, limit, reset_s, at, spent + amount)

    def wait(self, tokens: float, now: float) -> tuple[float, Resource]:
        """Say how long a call of so many tokens has to wait, and which of them holds it back."""
        waits = [
            (self.of[each].wait_s(need, now), each)
            for each, need in zip(RESOURCES, (1.0, tokens), strict=True)
        ]
        return max(waits, key=lambda each: each[0])
