"""The end of a run: its row, its evaluation, and what is told of it."""

import asyncio
from datetime import UTC, datetime

from docmill.flows.evaluate.evaluation import Evaluator
from docmill.flows.observe.assets import materialised
from docmill.flows.observe.observer import Observer
from docmill.flows.observe.telemetry import run_ended
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.evaluating import evaluated
from docmill.flows.run.gone import tell_gone
from docmill.flows.run.marks import keep_mark
from docmill.schemas.errors import DocmillError, StorageError
from docmill.schemas.outcome import RunState
from docmill.schemas.shard import Part
from docmill.tasks.sinks.work import ShardedResults


async def end(run: ActiveRun, state: RunState, part: Part | None) -> None:
    """Write the run's row, or its part's, as it ended."""
    if state == "failed" and not isinstance(run.results, ShardedResults):
        run.progress.paid(run.session.booked)  # also for outcomes that could not be stored
    ended = {
        "ended_at": datetime.now(UTC),
        "state": state,
        **run.progress.so_far(),
        "cost_booked": _is_booked(run),
    }
    run.row = run.row.model_copy(update=ended)
    lost: StorageError | None = None
    try:
        await asyncio.to_thread(run.results.end, run.row, run.failure or run.session.fatal)
        if part is None:
            await tell_gone(run.plan, run.seen, run.session, run.results, run.row.state)
            if not run.is_taken_up:  # else rows that have come since would be passed over for ever
                await keep_mark(run.plan, run.results, run.row, run.session.tell)
            run.waiting = await asyncio.to_thread(run.results.waiting, run.row.run_id)
            await materialised(run.plan, run.results, run.row)
    except StorageError as error:
        run.row, lost = run.row.model_copy(update={"state": "failed"}), error
    run.error = run.failure or lost or run.session.fatal
    run_ended(run.row)


def _is_booked(run: ActiveRun) -> bool | None:
    """Say whether the server booked all costs; None where nothing was paid."""
    if isinstance(run.results, ShardedResults):
        return run.row.cost_booked
    return not run.session.priced if run.progress.total.calls else None


async def evaluate(run: ActiveRun, evaluator: Evaluator | None, observer: Observer) -> None:
    """Hold what is stored against the pipeline's labels, where the run has come to its end."""
    if evaluator is None or run.state() in ("stopped", "failed"):
        return
    try:
        run.verdict = await asyncio.to_thread(evaluated, run.plan, evaluator, run.results, run.row.run_id)
    except StorageError as error:
        run.failure = error
        return
    observer.evaluated(run.verdict)


def named(failure: BaseException | None) -> str:
    """Say what a run ended by: of an error that is not docmill's its kind alone."""
    return str(failure) if isinstance(failure, DocmillError) else type(failure).__name__ if failure else ""
