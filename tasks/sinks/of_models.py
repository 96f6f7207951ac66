"""What each model of a run came to where it asks several: added up as its outcomes are written."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Select, func, select, update

from docmill.schemas.call import CallMade
from docmill.schemas.outcome import STATUSES, Outcome, Status, StepOutcome, Tally
from docmill.tasks.sinks.rows import Row, chunks, inserting
from docmill.tasks.sinks.tables import MODELS, OUTCOMES
from docmill.tasks.sinks.upgrade import present

PAID = ("paid", "retried", "repaired")
COUNTS = tuple(name for name in Tally.model_fields if not name.startswith("cost_"))


def add_models(connection: Connection, run_id: str, outcomes: Sequence[Outcome]) -> None:
    """Add outcomes to what their run's models have come to: a document to the one that answered last."""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    documents: defaultdict[str, Counter[Status]] = defaultdict(Counter)
    for outcome in outcomes:
        if outcome.model:
            documents[outcome.model][outcome.status] += 1
        for step in outcome.steps.values():
            for model, tally in _of_step(step):
                tallies[model] += tally
    for model in sorted({*tallies, *documents}):  # in one order, so that shards do not wait for each other
        counts: dict[str, int] = {status: documents[model][status] for status in STATUSES}
        row: dict[str, Any] = {"run_id": run_id, "model": model, **tallies[model].model_dump(), **counts}
        statement = inserting(connection, MODELS).values(row)
        new = statement.excluded
        more: dict[str, Any] = {name: MODELS.c[name] + new[name] for name in (*COUNTS, *STATUSES, "cost_usd")}
        more["cost_estimated"] = MODELS.c.cost_estimated | new.cost_estimated
        connection.execute(statement.on_conflict_do_update(index_elements=["run_id", "model"], set_=more))


def take_back_deferred(connection: Connection, run_id: str, documents: Select[tuple[str]]) -> None:
    """Count those of a run's documents that were deferred no more, as they are taken up again."""
    deferred = OUTCOMES.c.run_id == run_id, OUTCOMES.c.status == "deferred", OUTCOMES.c.model.is_not(None)
    query = select(OUTCOMES.c.model, func.count()).where(*deferred, OUTCOMES.c.document_id.in_(documents))
    for model, count in sorted(connection.execute(query.group_by(OUTCOMES.c.model)).tuples()):
        own = MODELS.c.run_id == run_id, MODELS.c.model == model
        connection.execute(update(MODELS).where(*own).values(deferred=MODELS.c.deferred - count))


def by_model(connection: Connection, rows: Iterable[Row]) -> Iterator[Row]:
    """Give the rows of runs, those of several models as a row for each; what is known of none stays theirs.

    A run's time is divided as its calls are.
    """
    found = list(rows)
    parts: defaultdict[str, list[Row]] = defaultdict(list)
    if present(connection, MODELS):
        for some in chunks([row["run_id"] for row in found]):
            for part in connection.execute(select(MODELS).where(MODELS.c.run_id.in_(some))):
                parts[part.run_id].append(cast("Row", part._mapping))
    for row in found:
        yield from _divided(row, parts.get(row["run_id"], ()))


def _divided(row: Row, parts: Sequence[Row]) -> Iterator[Row]:
    summed = *COUNTS, *STATUSES
    rest: dict[str, Any] = {name: row[name] - sum(part[name] for part in parts) for name in summed}
    known = [part["cost_usd"] for part in parts]
    rest["cost_usd"] = _rest(row["cost_usd"], None if None in known else sum(known))
    rest["model"] = row["model"]
    of_all = [*parts, rest] if any(rest[name] for name in (*summed, "cost_usd")) or not parts else parts
    asked = [part["calls"] + part["cached_calls"] for part in of_all]
    for part, many in zip(of_all, asked, strict=True):
        share = many / sum(asked) if sum(asked) else 1 / len(of_all)
        took = row["ended_at"] and row["started_at"] + share * (row["ended_at"] - row["started_at"])
        yield {**row, **part, "ended_at": took}


def _of_step(step: StepOutcome) -> Iterator[tuple[str, Tally]]:
    """Divide what a step cost by the models of its calls; what no call tells is that of its own."""
    known = Tally()
    for call in step.made or ():
        tally = _of_call(call, estimated=step.cost_estimated)
        known += tally
        yield call.model, tally
    if step.model:
        counts = {name: max(getattr(step, name) - getattr(known, name), 0) for name in COUNTS}
        cost = _rest(step.cost_usd, known.cost_usd)
        yield step.model, Tally(**counts, cost_usd=cost, cost_estimated=step.cost_estimated)


def _of_call(call: CallMade, *, estimated: bool) -> Tally:
    """Give what a call cost; the tokens of a cached one were paid for by another run."""
    if call.kind == "cached":
        return Tally(cached_calls=1)
    told = call.model_dump(include={*COUNTS, "cost_usd"})
    return Tally(attempts=1, calls=int(call.kind in PAID), **told, cost_estimated=estimated)


def _rest(whole: float | None, known: float | None) -> float | None:
    """Give what is left of a cost; what is not known is among the known parts where they have such a one."""
    if known is None:
        return 0.0
    return None if whole is None else round(whole - known, 12)
