"""A line of a report that draws a run's time in characters."""

from collections.abc import Iterator, Sequence

from docmill.schemas.timeline import MEASURES, Timeline

LEVELS = "▁▂▃▄▅▆▇█"
WIDEST = 60
TITLES = {"calls": "calls", "refused": "429s", "tokens": "tokens", "usd": "USD"}


def sparklines(timeline: Timeline) -> Iterator[tuple[str, str, str]]:
    """Give each measure that is not zero throughout: its title, its line, its highest sum."""
    for measure in MEASURES:
        if any(values := timeline.of(measure)):
            yield TITLES[measure], sparkline(values), timeline.most(measure)


def sparkline(values: Sequence[float]) -> str:
    """Draw sums as a line of characters, of neighbours their sum where there are too many; 0 is a blank."""
    while len(values) > WIDEST:
        values = [sum(values[at : at + 2]) for at in range(0, len(values), 2)]
    highest = max(values, default=0) or 1
    last = len(LEVELS) - 1
    return "".join(LEVELS[round(last * value / highest)] if value else " " for value in values)
