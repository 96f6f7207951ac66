"""One run: opened and begun, and closed with its row written, whatever became of it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from docmill.flows.evaluate.evaluation import Evaluator
from docmill.flows.evaluate.kept import evaluator_of
from docmill.flows.observe.assets import materialised
from docmill.flows.observe.observer import Observer
from docmill.flows.observe.prefect_ui import shown_in_prefect
from docmill.flows.observe.progress import RunProgress
from docmill.flows.observe.telemetry import run_ended, run_span
from docmill.flows.pipeline.budget import require_affordable
from docmill.flows.pipeline.plan import Plan
from docmill.flows.run.budget import within
from docmill.flows.run.embedded_model import with_embedded_model
from docmill.flows.run.evaluating import evaluated
from docmill.flows.run.ledger import Ledger
from docmill.flows.run.liveness import kept_alive
from docmill.flows.run.marks import keep_mark
from docmill.flows.run.notifying import notifying, require_deliverable
from docmill.flows.run.recovery import recover, taken_up
from docmill.flows.run.state import state_of
from docmill.flows.run.stop import Stop
from docmill.flows.run.timekeeping import timekept
from docmill.schemas.decision import NONE_WAITING, Waiting
from docmill.schemas.errors import DocmillError, StorageError
from docmill.schemas.evaluate import Verdict
from docmill.schemas.outcome import Run, RunState
from docmill.schemas.shard import Part
from docmill.tasks.chat.places import default_database
from docmill.tasks.chat.session import Session, session
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.looking import made_with_others
from docmill.tasks.sinks.register import register
from docmill.tasks.sinks.work import PartResults, ShardedResults
from docmill.tasks.sources.source import DocumentRef


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

    def state(self) -> RunState:
        """Say what it has come to, now that nothing of it is under way."""
        stopped, failed = self.session.ending.is_set(), self.failure is not None
        return state_of(self.plan, self.progress, self.verdict, stopped=stopped, failed=failed)


@asynccontextmanager
async def active(
    plan: Plan, observer: Observer, stop: Stop, flow_run_id: str, part: Part | None = None
) -> AsyncIterator[ActiveRun]:
    """Open all that a run needs, or a `part` of one, and tell Prefect's UI of it.

    Raises ConfigError where nothing could begin.
    """
    require_affordable(plan)
    require_deliverable(plan)
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
                shown_in_prefect(plan, progress, observer, part) as ui,
            ):
                async with _recorded(reached, refs, progress, ui, stop, flow_run_id, part) as run:
                    yield run
                    await _evaluate(run, evaluator, ui)
                await ui.ended(run.row, run.error or stop.reason, run.waiting)
    finally:
        watching.cancel()


@asynccontextmanager
async def _recorded(
    plan: Plan,
    refs: Iterator[DocumentRef],
    progress: RunProgress,
    observer: Observer,
    stop: Stop,
    flow_run_id: str,
    part: Part | None,
) -> AsyncIterator[ActiveRun]:
    """Open the results and the session, write the run's row, and its end."""
    results = await asyncio.to_thread(_results, plan, part)
    results.notify = plan.notify
    row = _row(plan, flow_run_id, part)
    try:
        async with session(plan.target, plan.limits, refresh=plan.refresh) as opened:
            if isinstance(results, ShardedResults) and not plan.refresh:
                row = await asyncio.to_thread(taken_up, results, row, plan.selection, opened.cache)
            ledger = Ledger(results, row, progress, observer)
            run = ActiveRun(plan, refs, row, opened, results, ledger, progress)
            name = part.name if part else row.run_id
            with ExitStack() as held, stop.stopping(opened):
                await asyncio.to_thread(held.enter_context, kept_alive(name, opened.cache))
                await _begin(run, observer, part)
                try:
                    async with (
                        timekept(opened, results, row, name),
                        within(plan.budget, opened, results, row.run_id, observer),
                        nullcontext() if part else notifying(plan, results.outbox(), opened, observer),
                    ):
                        yield run
                except BaseException:
                    await _end(run, "failed", part)
                    raise
                finally:
                    ledger.close()
                await _end(run, run.state(), part)
    finally:
        results.close()


def _results(plan: Plan, part: Part | None) -> ReviewedResults:
    if part is not None:
        return PartResults.of(part, plan.into, plan.name, plan.typed())
    kind = ReviewedResults if plan.shards == 1 else ShardedResults
    return kind.open(plan.into, plan.name, plan.typed())


async def _begin(run: ActiveRun, observer: Observer, part: Part | None) -> None:
    """Put right what earlier runs left behind, and write that this one begins."""
    plan, opened, results = run.plan, run.session, run.results
    opened.tell = observer.warn
    if not plan.is_trial and default_database() is None:
        register(opened.directory, plan.into.url)
    run.progress.waited, run.progress.timeline = opened.waits.seconds, opened.timeline
    if part is None:
        await recover(results, plan.name, opened.cache, observer, run.row.run_id)
        await asyncio.to_thread(_tell_other_models, plan, results, observer)
    elif plan.refresh:
        opened.oldest = part.begun_at
    await asyncio.to_thread(results.begin, run.row)
    if plan.examples and part is None:
        await asyncio.to_thread(results.keep_examples, plan.examples)
    observer.started(run.row, run.progress)
    if isinstance(results, PartResults):
        run.progress.expected = results.dealt.documents
    else:
        threading.Thread(target=_count, args=(plan, run.progress), daemon=True).start()


async def _end(run: ActiveRun, state: RunState, part: Part | None) -> None:
    """Write the run's row, or its part's, as it ended."""
    ended = {
        "ended_at": datetime.now(UTC),
        "state": state,
        "documents_in": run.progress.documents_in,
        "counts": dict(run.progress.counts),
        **run.progress.total.model_dump(),
        "cost_booked": _is_booked(run),
    }
    run.row = run.row.model_copy(update=ended)
    lost: StorageError | None = None
    try:
        await asyncio.to_thread(run.results.end, run.row, run.failure or run.session.fatal)
        if part is None:
            await keep_mark(run.plan, run.results, run.row)
            run.waiting = await asyncio.to_thread(run.results.waiting, run.row.run_id)
            await materialised(run.plan, run.results, run.row)
    except StorageError as error:
        run.row, lost = run.row.model_copy(update={"state": "failed"}), error
    run.error = run.failure or lost or run.session.fatal
    run_ended(run.row)


async def _evaluate(run: ActiveRun, evaluator: Evaluator | None, observer: Observer) -> None:
    """Hold what is stored against the pipeline's labels, where the run has come to its end."""
    if evaluator is None or run.state() in ("stopped", "failed"):
        return
    try:
        run.verdict = await asyncio.to_thread(evaluated, run.plan, evaluator, run.results, run.row.run_id)
    except StorageError as error:
        run.failure = error
        return
    observer.evaluated(run.verdict)


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


def _is_booked(run: ActiveRun) -> bool | None:
    """Say whether the server booked all costs; None where nothing was paid, or shards paid it."""
    here = run.progress.total.calls and not isinstance(run.results, ShardedResults)
    return not run.session.priced if here else None


def _row(plan: Plan, flow_run_id: str, part: Part | None) -> Run:
    return Run(
        run_id=part.run_id if part else str(uuid4()),
        pipeline=plan.name,
        pipeline_sha256=plan.sha256,
        endpoint=plan.target.name,
        model=plan.model,
        flow_run_id=flow_run_id,
        started_at=datetime.now(UTC),
        max_cost_usd=float(budget.run_usd) if (budget := plan.budget) and budget.run_usd else None,
    )
