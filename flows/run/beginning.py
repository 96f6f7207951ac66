"""The beginning of a run: its results opened, what earlier ones left behind put right, its row written."""

import asyncio
import threading
from datetime import UTC, datetime
from uuid import uuid4

from docmill.flows.observe.observer import Observer
from docmill.flows.observe.progress import RunProgress
from docmill.flows.pipeline.plan import Plan
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.liveness import identity
from docmill.flows.run.recovery import recover
from docmill.schemas.errors import ConfigError
from docmill.schemas.outcome import Run
from docmill.schemas.shard import Part
from docmill.tasks.chat.session import Session
from docmill.tasks.sinks.alive import keep_alive
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.looking import database_id, made_with_others
from docmill.tasks.sinks.register import register
from docmill.tasks.sinks.work import PartResults, ShardedResults

ONE_CACHE = (
    "what one pays the other would pay again. Set DOCMILL_CACHE to one database, or one mounted directory, "
    "for all workers"
)


def opened_results(plan: Plan, part: Part | None) -> ReviewedResults:
    """Open the results of a run, or of its part; raises ConfigError where they cannot be."""
    if part is not None:
        return PartResults.of(part, plan.into, plan.name, plan.typed())
    kind = ReviewedResults if plan.shards == 1 else ShardedResults
    return kind.open(plan.into, plan.name, plan.typed())


async def begin(run: ActiveRun, observer: Observer, part: Part | None) -> None:
    """Put right what earlier runs left behind, and write that this one begins."""
    plan, opened, results = run.plan, run.session, run.results
    opened.tell = observer.warn
    if part is None:
        await asyncio.to_thread(_make_known, plan, run.row.run_id, opened, results)
    elif part.cache != await asyncio.to_thread(identity, opened.cache):
        raise ConfigError(f"this worker's cache, {opened.cache}, is not the run's: {ONE_CACHE}")
    run.progress.waited, run.progress.timeline = opened.waits.seconds, opened.timeline
    if part is None:
        await recover(results, plan.name, opened.cache, observer, run.row.run_id)
        await asyncio.to_thread(_tell_other_models, plan, results, observer)
    elif plan.refresh:
        opened.oldest = part.begun_at
    await asyncio.to_thread(results.begin, run.row)
    if (plan.examples and part is None) or isinstance(results, ShardedResults):  # shards take them
        await asyncio.to_thread(results.keep_examples, plan.examples)
    observer.started(run.row, run.progress)
    if isinstance(results, PartResults):
        run.progress.expected = results.dealt.documents
    else:
        threading.Thread(target=_count, args=(plan, run.progress), daemon=True).start()


def _make_known(plan: Plan, run_id: str, opened: Session, results: ReviewedResults) -> None:
    """Have the cache know of the results, and the results of the cache, before anything is written."""
    if not plan.is_trial:
        register(opened.cache, plan.into.url, database_id(results))
    keep_alive(results, run_id, identity(opened.cache))


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


def row_of(plan: Plan, flow_run_id: str, part: Part | None) -> Run:
    """Make the row of a run that begins; a part's is its run's."""
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
