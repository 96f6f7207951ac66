"""One run: opened and begun, and closed with its row written, whatever became of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, nullcontext

from docmill.flows.evaluate.kept import evaluator_of
from docmill.flows.observe.observer import Observer
from docmill.flows.observe.prefect_ui import PrefectUI, shown_in_prefect
from docmill.flows.observe.progress import RunProgress
from docmill.flows.observe.telemetry import run_span
from docmill.flows.pipeline.budget import require_affordable
from docmill.flows.pipeline.plan import Plan
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.backpressure import recorded_in_time
from docmill.flows.run.beginning import begin, opened_results, row_of
from docmill.flows.run.budget import within
from docmill.flows.run.embedded_model import with_embedded_model
from docmill.flows.run.ending import end, evaluate, named
from docmill.flows.run.gone import Seen
from docmill.flows.run.ledger import Ledger
from docmill.flows.run.liveness import kept_alive
from docmill.flows.run.notifying import notifying, require_deliverable
from docmill.flows.run.recovery import taken_up
from docmill.flows.run.stop import Stop
from docmill.flows.run.timekeeping import timekept
from docmill.schemas.shard import Part
from docmill.tasks.chat.session import session
from docmill.tasks.sinks.work import ShardedResults
from docmill.tasks.sources.source import DocumentRef


@asynccontextmanager
async def active(
    plan: Plan, observer: Observer, stop: Stop, flow_run_id: str, part: Part | None = None
) -> AsyncIterator[ActiveRun]:
    """Open all that a run needs, or a `part` of one, and tell Prefect's UI of it.

    Raises ConfigError where nothing could begin.
    """
    require_affordable(plan)
    if part is None:  # which delivers nothing itself
        require_deliverable(plan)
    progress = RunProgress(plan.limit)
    watching = asyncio.create_task(stop.watch(flow_run_id))
    try:
        # Opened first: what is wrong with the source is said before anything is written.
        evaluator = await asyncio.to_thread(evaluator_of, plan)
        with ExitStack() as stack:
            stack.enter_context(run_span(plan, flow_run_id))
            opened = await asyncio.to_thread(stack.enter_context, plan.source.opened())
            refs = Seen(opened) if plan.gone and part is None else opened
            async with (
                with_embedded_model(plan, observer, stop) as reached,
                shown_in_prefect(plan, progress, observer, part) as ui,
            ):
                recorded = _recorded(reached, refs, progress, ui, stop, flow_run_id, part)
                async with _announced(recorded, ui, stop) as run:
                    yield run
                    await evaluate(run, evaluator, ui)
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
            await ui.ended(run.row, run.error or stop.reason or named(failure), run.waiting)


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
    results = await asyncio.to_thread(opened_results, plan, part)
    results.notify = plan.notify
    results.several_models = len(plan.models) > 1
    row = row_of(plan, flow_run_id, part)
    try:
        async with session(plan.target, plan.limits, refresh=plan.refresh) as opened:
            if isinstance(results, ShardedResults) and not plan.refresh:
                row = await asyncio.to_thread(
                    taken_up, results, row, plan.selection, opened.cache, plan.concurrency
                )
            ledger = Ledger(results, row, progress, observer)
            run = ActiveRun(plan, refs, row, opened, results, ledger, progress)
            run.seen = refs if isinstance(refs, Seen) else None
            name = part.name if part else row.run_id
            with ExitStack() as held, stop.stopping(opened):
                await asyncio.to_thread(
                    held.enter_context, kept_alive(name, opened.cache, is_part=part is not None)
                )
                await begin(run, observer, part)
                try:
                    async with (
                        timekept(opened, results, row, name, None if part else progress),
                        recorded_in_time(opened.backlog, observer.warn),
                        within(plan.budget, opened, results, row.run_id, observer, run.fail),
                        nullcontext() if part else notifying(plan, results.outbox(), opened, observer),
                    ):
                        yield run
                except BaseException:
                    await end(run, "failed", part)
                    raise
                finally:
                    ledger.close()
                await end(run, run.state(), part)
    finally:
        results.close()
