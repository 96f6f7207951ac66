"""What a run had come to whose process died, as its shards say, else the outcomes that name it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Integer, RowMapping, cast, func, select

from docmill.schemas.outcome import PASSED_OVER, STATUSES, Tally
from docmill.tasks.sinks.rows import Row
from docmill.tasks.sinks.tables import OUTCOMES, RUNS
from docmill.tasks.sinks.work_tables import SHARDS

TAKEN = tuple(status for status in STATUSES if status not in PASSED_OVER)  # with an outcome of the run's
NUMBERS = tuple(name for name in Tally.model_fields if not name.startswith("cost_"))


def totals_of(connection: Connection, run_id: str) -> Row:
    """Give the counts and costs that a dead run's row lacks; none where it knows more than its outcomes.

    So it may where later runs have done the same documents anew.
    """
    row = connection.execute(select(RUNS).where(RUNS.c.run_id == run_id)).mappings().one()
    if shards := connection.execute(select(SHARDS).where(SHARDS.c.run_id == run_id)).mappings().all():
        return _of_shards(row, shards)
    status = OUTCOMES.c.status
    counting = select(status, func.count()).where(OUTCOMES.c.run_id == run_id, status.in_(TAKEN))
    counts: dict[str, int] = {}
    counts.update(connection.execute(counting.group_by(status)).tuples().all())
    if sum(counts.values()) < sum(row[name] for name in TAKEN):
        return {"documents_in": sum(row[name] for name in STATUSES)}
    documents_in = sum(counts.values()) + sum(row[name] for name in PASSED_OVER)
    known: dict[str, int] = {name: counts.get(name, 0) for name in TAKEN}
    return {**known, **_cost(connection, run_id), "documents_in": documents_in}


def _of_shards(row: RowMapping, shards: Sequence[RowMapping]) -> Row:
    """Add up what the shards have counted: what a document cost in an earlier attempt, too."""
    counts = Counter[str]()
    for each in shards:
        counts.update(each["counts"])
    tallies = (Tally(**{name: each[name] for name in Tally.model_fields}) for each in shards)
    documents_in = counts.total() + sum(row[name] for name in PASSED_OVER)
    known: dict[str, int] = {name: counts[name] for name in TAKEN}
    return {**known, **sum(tallies, Tally()).model_dump(), "documents_in": documents_in}


def _cost(connection: Connection, run_id: str) -> dict[str, Any]:
    sums = [func.sum(OUTCOMES.c[name]).label(name) for name in NUMBERS]
    priced = [func.count(), func.count(OUTCOMES.c.cost_usd), func.sum(OUTCOMES.c.cost_usd)]
    estimated = func.max(cast(OUTCOMES.c.cost_estimated, Integer))
    query = select(*priced, estimated, *sums).where(OUTCOMES.c.run_id == run_id)
    many, known, usd, is_estimated, *numbers = connection.execute(query).one()
    cost = {"cost_usd": float(usd or 0) if known == many else None, "cost_estimated": bool(is_estimated)}
    return {**cost, **{name: int(each or 0) for name, each in zip(NUMBERS, numbers, strict=True)}}
