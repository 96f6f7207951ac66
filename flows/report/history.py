"""The picture of a page's runs: what became of their documents, and what they cost, side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docmill.flows.report.spent import NOT_DONE, Spent, spent
from docmill.schemas.money import money

Row = Mapping[str, Any]
MOST = 30  # runs: the newest
WIDTH, HEIGHT = 1000, 90
WIDEST = 60.0  # of a bar
KINDS = ("done", "review", *NOT_DONE)


@dataclass(frozen=True)
class Bar:
    """A part of a run's bar: `kind` is its class, `x`, `y`, `width` and `height` its place."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Picture:
    """Two rows of bars, from the oldest run to the newest; `said` is what each run's title says."""

    documents: list[list[Bar]]
    costs: list[list[Bar]]
    said: list[str]
    most_documents: int
    highest_cost: str
    first: str
    last: str


def picture(rows: Sequence[Row]) -> Picture | None:
    """Draw the newest runs that took documents up; None where there are fewer than two."""
    runs = {each.name: each for each in spent(rows, None)}
    drawn = [row for row in rows if runs[row["run_id"]].documents][:MOST][::-1]
    if len(drawn) < 2:
        return None
    shown = [runs[row["run_id"]] for row in drawn]
    most = max(each.documents for each in shown)
    highest = max(each.cost_usd or 0.0 for each in shown)
    return Picture(
        documents=[_stacked(number, len(drawn), row, most) for number, row in enumerate(drawn)],
        costs=[
            [_bar("cost", number, len(drawn), (each.cost_usd or 0) / (highest or 1))]
            for number, each in enumerate(shown)
        ],
        said=[*map(_said, shown)],
        most_documents=most,
        highest_cost=money(highest, estimated=False),
        first=f"{shown[0].started_at:%Y-%m-%d}",
        last=f"{shown[-1].started_at:%Y-%m-%d}",
    )


def _stacked(number: int, of: int, row: Row, most: int) -> list[Bar]:
    """Set the kinds of a run's documents on each other, what is done at the bottom."""
    bars: list[Bar] = []
    below = 0
    for kind in KINDS:
        if count := row[kind]:
            bars.append(_bar(kind, number, of, count / most, below / most))
            below += count
    return bars


def _bar(kind: str, number: int, of: int, share: float, below: float = 0.0) -> Bar:
    step = min(WIDTH / of, WIDEST)
    height = round(HEIGHT * share, 1)
    y = round(HEIGHT * (1 - below) - height, 1)
    return Bar(kind, round(number * step, 1), y, round(step * 0.8, 1), height)


def _said(run: Spent) -> str:
    cost = money(run.cost_usd, estimated=run.cost_estimated)
    counts = f"{run.done:,} done, {run.review:,} in review, {run.not_done:,} not done"
    return f"{run.started_at:%Y-%m-%d %H:%M} UTC, {run.state}: {counts}, {cost}"
