"""One run: opened and begun, and closed with its row written, whatever became of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from docmill.flows.evaluate.evaluation import Evaluator
from docmill.flows.evaluate.kept import evaluator_of
from docmill.flows.observe.assets import materialised
from docmill.flows.observe.observer import Observer
from docmill.flows.observe.prefect_ui import PrefectUI, shown_in_prefect
from docmill.flows.observe.progress import RunProgress
from docmill.flows.observe.telemetry import run_ended, run_span
from docmill.flows.pipeline.budget import require_affordable
from docmill.flows.pipeline.plan import Plan
from docmill.flows.run.budget import within
from docmill.flows.run.embedded_model import with_embedded_model
from docmill.flows.run.evaluating import evaluated
from docmill.flows.run.ledger import Ledger
from docmill.flows.run.liveness import identity, kept_alive
from docmill.flows.run.recovery import recover
from docmill.flows.run.stop import Stop
from docmill.flows.run.timekeeping import timekept
from docmill.schemas.decision import NONE_WAITING, Waiting
from docmill.schemas.errors import DocmillError, StorageError
from docmill.schemas.evaluate import Verdict
from docmill.schemas.outcome import BAD, Run, RunState, bad_share
from docmill.tasks.chat.places import default_database
from docmill.tasks.chat.session import Session, session
from docmill.tasks.sinks.alive import keep_alive
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.looking import database_id, made_with_others
from docmill.tasks.sinks.register import register
from docmill.tasks.sources.source import DocumentRef

FINE = {"done", "unchanged", "review", "quarantined"}


@dataclass
class ActiveRun:
    """A run while it lives, and once it has ended.

    `row` is as it is stored, and `waiting` what is in review once it has ended. `failure` is what the cache,
    the results or the source failed with, and `error` what stopped or failed the run in the end. `verdict`
    is what became of the pipeline's labels.
    """

    plan: Plan
    refs: Iterator[DocumentRef]
    row: Run
    session: Session
    results: ReviewedResults
    ledger: Ledger
    progress: RunProgress
    waiting: Waiting = NONE_WAITING
    failure: StorageError | None = None
    error: DocmillError | None = None
    verdict: Verdict | None = None

    def fail(self, error: StorageError) -> None:
        """Stop the run for what cannot be stored or listed."""
        self.failure = self.failure or error
        self.session.stop(str(error))


@asynccontextmanager
async def active(plan: Plan, observer: Observer, stop: Stop, flow_run_id: str) -> AsyncIterator[ActiveRun]:
    """Open all that a run needs, and tell Prefect's UI of it.

    Raises ConfigError where nothing could begin.
    """
    require_affordable(plan)
    progress = RunProgress(plan.limit)
    watching = asyncio.create_task(stop.watch(flow_run_id))
    try:
        # Opened first: what is wrong with the source is said before anything is written.
        evaluator = await asyncio.to_thread(evaluator_of, plan)
        with ExitStack() as stack:
            stack.enter_context(run_span(plan, flow_run_id))
            refs = await asyncio.to_thread(stack.enter_context, plan.source.opened())
            async with (
                with_embedded_model(plan, observer, stop) as reached,
                shown_in_prefect(plan, progress, observer) as ui,
            ):
                recorded = _recorded(reached, refs, progress, ui, stop, flow_run_id)
                async with _announced(recorded, ui, stop) as run:
                    yield run
                    await _evaluate(run, evaluator, ui)
    finally:
        watching.cancel()


@asynccontextmanager
async def _announced(
    recorded: AbstractAsyncContextManager[ActiveRun], ui: PrefectUI, stop: Stop
) -> AsyncIterator[ActiveRun]:
    """Announce a run's end, also where an error ends it."""
    run: ActiveRun | None = None
    failure: BaseException | None = None
    try:
        async with recorded as run:
            yield run
    except BaseException as error:
        failure = error
        raise
    finally:
        if run is not None:
            await ui.ended(run.row, run.error or stop.reason or _named(failure), run.waiting)


@asynccontextmanager
async def _recorded(
    plan: Plan,
    refs: Iterator[DocumentRef],
    progress: RunProgress,
    observer: Observer,
    stop: Stop,
    flow_run_id: str,
) -> AsyncIterator[ActiveRun]:
    """Open the results and the session, write the run's row, and its end."""
    results = await asyncio.to_thread(ReviewedResults.open, plan.into, plan.name, plan.typed())
    row = _row(plan, flow_run_id)
    ledger = Ledger(results, row, progress, observer)
    try:
        async with session(plan.target, plan.limits, refresh=plan.refresh) as opened:
            with ExitStack() as held, stop.stopping(opened):
                await asyncio.to_thread(held.enter_context, kept_alive(row.run_id, opened.cache))
                opened.tell = observer.warn
                await asyncio.to_thread(_make_known, plan, row.run_id, opened, results)
                progress.waited, progress.timeline = opened.waits.seconds, opened.timeline
                await recover(results, plan.name, opened.cache, observer)
                await asyncio.to_thread(_tell_other_models, plan, results, observer)
                await asyncio.to_thread(results.begin, row)
                if plan.examples:
                    await asyncio.to_thread(results.keep_examples, plan.examples)
                observer.started(row, progress)
                threading.Thread(target=_count, args=(plan, progress), daemon=True).start()
                run = ActiveRun(plan, refs, row, opened, results, ledger, progress)
                try:
                    async with (
                        timekept(opened, results, row, progress),
                        within(plan.budget, opened, results, row.run_id, observer, run.fail),
                    ):
                        yield run
                except BaseException:
                    await _end(run, "failed")
                    raise
                await _end(run, _state(run))
    finally:
        ledger.close()
        results.close()


async def _end(run: ActiveRun, state: RunState) -> None:
    """Write the run's row as it ended."""
    ended = {
        "ended_at": datetime.now(UTC),
        "state": state,
        **run.progress.so_far(),
    }
    run.row = run.row.model_copy(update=ended)
    lost: StorageError | None = None
    try:
        await asyncio.to_thread(run.results.end, run.row)
        run.waiting = await asyncio.to_thread(run.results.waiting, run.row.run_id)
        await materialised(run.plan, run.results, run.row)
    except StorageError as error:
        run.row, lost = run.row.model_copy(update={"state": "failed"}), error
    run.error = run.failure or lost or run.session.fatal
    run_ended(run.row)


async def _evaluate(run: ActiveRun, evaluator: Evaluator | None, observer: Observer) -> None:
    """Hold what is stored against the pipeline's labels, where the run has come to its end."""
    if evaluator is None or _state(run) in ("stopped", "failed"):
        return
    try:
        run.verdict = await asyncio.to_thread(evaluated, run.plan, evaluator, run.results, run.row.run_id)
    except StorageError as error:
        run.failure = error
        return
    observer.evaluated(run.verdict)


def _make_known(plan: Plan, run_id: str, opened: Session, results: ReviewedResults) -> None:
    """Have the cache know of the results, and the results of the cache, before anything is written."""
    if not plan.is_trial and default_database() is None:
        register(opened.directory, plan.into.url, database_id(results))
    keep_alive(results, run_id, identity(opened.cache))


def _named(failure: BaseException | None) -> str:
    """Say what a run ended by: of an error that is not docmill's its kind alone."""
    return str(failure) if isinstance(failure, DocmillError) else type(failure).__name__ if failure else ""


def _tell_other_models(plan: Plan, results: ReviewedResults, observer: Observer) -> None:
    """Say before anything is sent which good outcomes another model has made, as they are replaced."""
    for model, count in made_with_others(results, plan.model):
        many = "1 outcome was" if count == 1 else f"{count:,} outcomes were"
        observer.warn(
            f"{many} made with the model {model}: those of this run's documents are asked anew with "
            f"{plan.model} and replaced (--into keeps both)"
        )


def _count(plan: Plan, progress: RunProgress) -> None:
    """Count the source beside the run, which does not wait for it."""
    progress.expected = plan.source.count()


def _row(plan: Plan, flow_run_id: str) -> Run:
    return Run(
        run_id=str(uuid4()),
        pipeline=plan.name,
        pipeline_sha256=plan.sha256,
        endpoint=plan.target.name,
        model=plan.model,
        flow_run_id=flow_run_id,
        started_at=datetime.now(UTC),
        max_cost_usd=float(budget.run_usd) if (budget := plan.budget) and budget.run_usd else None,
    )


def _state(run: ActiveRun) -> RunState:
    if run.failure or not run.progress.adds_up():
        return "failed"
    if run.session.ending.is_set():
        return "stopped"
    fine = _is_fine(run) and not (run.verdict and run.verdict.reasons)
    return "complete" if fine else "incomplete"


def _is_fine(run: ActiveRun) -> bool:
    """Say whether every document is done, but for the share that `fail_above` allows to be bad."""
    counts = +run.progress.counts
    share = bad_share(run.progress.documents_in, counts)
    return counts.keys() <= FINE | set(BAD) and share <= run.plan.fail_above
