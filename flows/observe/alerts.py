"""The thresholds that a run has passed, as its `alert` declares them."""

from collections.abc import Mapping
from dataclasses import dataclass

from docmill.schemas.alert import Alert
from docmill.schemas.outcome import Run, bad_share


@dataclass(frozen=True)
class Passed:
    """A threshold that a run has passed: its name, what it allows, and what the run came to."""

    name: str
    limit: float
    value: float


def passed(alert: Alert | None, run: Run) -> list[Passed]:
    """List the thresholds that a run is above; a cost that is not known passes none."""
    if alert is None:
        return []
    values = _values(run)
    return [
        Passed(name, limit, value)
        for name, limit in alert.model_dump().items()
        if limit is not None and (value := values[name]) > limit
    ]


def _values(run: Run) -> Mapping[str, float]:
    documents = max(run.documents_in, 1)
    return {
        "cost_usd": run.cost_usd or 0.0,
        "review": run.counts.get("review", 0) / documents,
        "bad": bad_share(run.documents_in, run.counts),
        "deferred": run.counts.get("deferred", 0) / documents,
    }
