"""What a run did by slots of its time, and what it waited for."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from docmill.schemas.money import dollars

Cause = Literal["server", "budget", "requests", "tokens", "cpu", "prefect", "concurrency"]
Measure = Literal["calls", "refused", "tokens", "usd"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
WORDS: dict[str, str] = {
    "server": "the server",
    "budget": "the budget",
    "requests": "requests a minute",
    "tokens": "tokens a minute",
    "cpu": "this machine's CPU",
    "prefect": "Prefect's server",
    "concurrency": "concurrency",
}
LEAST = 0.05  # of the time: less is not worth a word


class Timeline(BaseModel):
    """Sums by slots of `slot_s` seconds from the run's beginning, and the seconds that each cause took.

    `refused` are 429s and 529s; a call is counted where its reply comes. A call without a price costs 0 here.
    """

    model_config = ConfigDict(frozen=True)

    slot_s: float = 1.0
    calls: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    tokens: tuple[int, ...] = ()
    usd: tuple[float, ...] = ()
    held_back: dict[Cause, float] = {}

    def of(self, measure: Measure) -> tuple[float, ...]:
        """Give the sums of one measure."""
        values: tuple[float, ...] = getattr(self, measure)
        return values

    def most(self, measure: Measure) -> str:
        """Write the highest sum of one measure, with the slot that it is of."""
        highest = max(self.of(measure), default=0.0)
        return f"{written(measure, highest)} in {self.slot_s:g} s at most"


def together(parts: Sequence[tuple[float, Timeline]]) -> Timeline:
    """Add up what parts of a run did, each with the seconds after the first in which it began."""
    if len(parts) == 1:
        return parts[0][1]
    slot_s = max(part.slot_s for _, part in parts)
    sums: dict[Measure, defaultdict[int, float]] = {measure: defaultdict(float) for measure in MEASURES}
    for begun_s, part in parts:
        for measure in MEASURES:
            for slot, value in enumerate(part.of(measure)):
                sums[measure][int((begun_s + slot * part.slot_s) / slot_s)] += value
    slots = range(1 + max((slot for each in sums.values() for slot in each), default=-1))
    held: Counter[Cause] = Counter()
    for _, part in parts:
        held.update({cause: seconds / len(parts) for cause, seconds in part.held_back.items()})
    series = {measure: tuple(each[slot] for slot in slots) for measure, each in sums.items()}
    return Timeline.model_validate({"slot_s": slot_s, "held_back": dict(held), **series})


def written(measure: Measure, value: float) -> str:
    """Write a sum of a measure."""
    return dollars(value) if measure == "usd" else f"{value:,.0f}"


def held_back(seconds: Mapping[Cause, float], elapsed_s: float) -> str:
    """Say what held a run back most, where it did for a good part of its time."""
    cause, waited = max(seconds.items(), key=lambda each: each[1], default=("", 0.0))
    share = min(1.0, waited / max(elapsed_s, 1.0))
    return f"held back by {WORDS[cause]} {100 * share:.0f} % of the time" if share >= LEAST else ""
