"""The picture of a run's time on its page: calls, refusals, tokens and money by slots."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from docmill.flows.report.history import HEIGHT, WIDTH, Bar
from docmill.schemas.timeline import MEASURES, Measure, Timeline, held_back, written

TITLES: dict[Measure, str] = {
    "calls": "Calls",
    "refused": "Refused by the server",
    "tokens": "Tokens",
    "usd": "Cost",
}
FILLED = 0.85  # of a slot by its bar


@dataclass(frozen=True)
class Strip:
    """One measure over the run's time; each bar has what its title says."""

    title: str
    most: str
    bars: list[tuple[Bar, str]]


@dataclass(frozen=True)
class Drawn:
    """A run's time: its strips, the length that they cover, and what held the run back."""

    strips: list[Strip]
    took: str
    slot: str
    held_back: str


def drawn(timeline: Timeline | None, elapsed_s: float | None) -> Drawn | None:
    """Draw what is kept of a run that took so long, where it made calls."""
    if timeline is None or not any(timeline.calls):
        return None
    covered = timeline.slot_s * len(timeline.calls)
    elapsed_s = covered if elapsed_s is None else elapsed_s
    return Drawn(
        strips=[_strip(timeline, each) for each in MEASURES if any(timeline.of(each))],
        took=_clock(covered),
        slot=f"{timeline.slot_s:g} s",
        held_back=held_back(timeline.held_back, elapsed_s),
    )


def _strip(timeline: Timeline, measure: Measure) -> Strip:
    return Strip(TITLES[measure], timeline.most(measure), [*_bars(timeline, measure)])


def _bars(timeline: Timeline, measure: Measure) -> Iterator[tuple[Bar, str]]:
    values = timeline.of(measure)
    step, highest = WIDTH / len(values), max(values)
    for number, value in enumerate(values):
        if value:
            height = round(HEIGHT * value / highest, 1)
            x, width = round(number * step, 1), round(step * FILLED, 1)
            begins, ends = (_clock(each * timeline.slot_s) for each in (number, number + 1))
            said = f"{begins} to {ends}: {written(measure, value)}"
            yield Bar(measure, x, round(HEIGHT - height, 1), width, height), said


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
