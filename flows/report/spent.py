"""What runs came to and what they cost, one by one or together, and how that compares with before."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Row = Mapping[str, Any]
By = Literal["day", "model", "pipeline"]
BEFORE = 10  # runs, or days, that a trend is held against
NOT_DONE = ("invalid", "refused", "failed", "deferred")
SUMMED = ("calls", "cached_calls", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")


class Spent(BaseModel):
    """One run, or all runs of a day, a model or a pipeline.

    `documents` are those taken up: neither unchanged nor quarantined. `trend` is what a document cost, as a
    share of the median of what one cost in up to ten runs (or days) before; None where nothing compares.
    """

    model_config = ConfigDict(frozen=True)

    name: str  # of the run its id, else the day, the model or the pipeline
    pipeline: str
    started_at: datetime
    state: str | None
    runs: int
    documents: int
    unchanged: int
    quarantined: int
    done: int
    review: int
    not_done: int
    calls: int
    cached_calls: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    cost_estimated: bool
    minutes: float
    trend: float | None = None

    @property
    def usd_per_document(self) -> float | None:
        """What one document cost that was taken up."""
        return self.cost_usd / self.documents if self.cost_usd is not None and self.documents else None


def spent(rows: Iterable[Row], by: By | None) -> list[Spent]:
    """Sum runs up, the newest first: each for itself, or by day, model or pipeline."""
    names: dict[By | None, Callable[[Row], str]] = {
        None: lambda row: row["run_id"],
        "day": lambda row: f"{row['started_at']:%Y-%m-%d}",
        "model": lambda row: row["model"],
        "pipeline": lambda row: row["pipeline"],
    }
    groups: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        name, pipeline = names[by](row), row["pipeline"]
        groups[name, pipeline if by in (None, "day") else ""].append(row)
    found = [_sum(name, group) for (name, _), group in groups.items()]
    return _with_trends(found) if by in (None, "day") else found


def _sum(name: str, rows: Sequence[Row]) -> Spent:
    costs = [row["cost_usd"] for row in rows]
    not_done = sum(row[status] for row in rows for status in NOT_DONE)
    ended = [(row["ended_at"] - row["started_at"]).total_seconds() for row in rows if row["ended_at"]]
    return Spent(
        name=name,
        pipeline=", ".join(dict.fromkeys(row["pipeline"] for row in rows)),
        started_at=max(row["started_at"] for row in rows),
        state=rows[0]["state"] if len(rows) == 1 else None,
        runs=len(rows),
        documents=sum(row["done"] + row["review"] for row in rows) + not_done,
        unchanged=sum(row["unchanged"] for row in rows),
        quarantined=sum(row.get("quarantined") or 0 for row in rows),
        done=sum(row["done"] for row in rows),
        review=sum(row["review"] for row in rows),
        not_done=not_done,
        cost_usd=None if None in costs else sum(costs),
        cost_estimated=any(row["cost_estimated"] for row in rows),
        minutes=sum(ended) / 60,
        **{each: sum(row.get(each) or 0 for row in rows) for each in SUMMED},
    )


def _with_trends(found: Sequence[Spent]) -> list[Spent]:
    """Hold what a document cost against the runs before, of the same pipeline."""
    before: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=BEFORE))
    told: list[Spent] = []
    for each in sorted(found, key=lambda one: one.started_at):
        cost, usual = each.usd_per_document, before[each.pipeline]
        against = median(usual) if usual else 0.0
        known = cost is not None and against > 0
        told.append(each.model_copy(update={"trend": cost / against if known and cost is not None else None}))
        if cost is not None and each.calls:  # one that came from the cache alone is no measure
            usual.append(cost)
    return told[::-1]
