"""What a run did by slots of its time, and what it waited for."""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from docmill.schemas.money import dollars

Cause = Literal["server", "budget", "requests", "tokens", "cpu", "concurrency"]
Measure = Literal["calls", "refused", "tokens", "usd"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
WORDS: dict[str, str] = {
    "server": "the server",
    "budget": "the budget",
    "requests": "requests a minute",
    "tokens": "tokens a minute",
    "cpu": "this machine's CPU",
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


def written(measure: Measure, value: float) -> str:
    """Write a sum of a measure."""
    return dollars(value) if measure == "usd" else f"{value:,.0f}"


def held_back(seconds: Mapping[Cause, float], elapsed_s: float) -> str:
    """Say what held a run back most, where it did for a good part of its time."""
    cause, waited = max(seconds.items(), key=lambda each: each[1], default=("", 0.0))
    share = min(1.0, waited / max(elapsed_s, 1.0))
    return f"held back by {WORDS[cause]} {100 * share:.0f} % of the time" if share >= LEAST else ""
