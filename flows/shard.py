"""`shard`: the flow that does a part of a run's documents, on a worker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Failed
from pydantic import ValidationError

from docmill.flows.pipeline.given import plan_of
from docmill.flows.pipeline.plan import Plan
from docmill.flows.pipeline.shards import share, taken
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.documents import Documents
from docmill.flows.run.flow_run import execute
from docmill.flows.run.intake import Found, with_decisions
from docmill.flows.run.refusal import refuse_unknown
from docmill.flows.run.stop import Stop
from docmill.schemas.errors import ConfigError, StorageError
from docmill.schemas.pipeline import Pipeline
from docmill.schemas.shard import Part
from docmill.tasks.sinks.work import PartResults
from docmill.tasks.sources.dealt import Dealt

BEAT_EVERY_S = 5.0
PAGE = 100


@flow(name="shard", validate_parameters=False, on_crashed=[refuse_unknown])
async def shard(
    pipeline: str | Pipeline,
    run_id: str,
    shard: int,
    shards: int,
    attempt: int = 1,
    begun_at: float = 0.0,
    cache: str = "",
    pipeline_sha256: str = "",
    options: dict[str, Any] | None = None,
) -> State[Any]:
    """Bring the documents of one shard of a run to their outcomes; a run with shards starts it.

    Args:
        pipeline: The run's pipeline: its file, its name, or the pipeline itself.
        run_id: The run, as docmill_runs has it.
        shard: Which of its shards, from 1.
        shards: How many there are.
        attempt: In which attempt: an earlier one writes nothing any more.
        begun_at: When the run began, in seconds since the epoch.
        cache: Which cache the run has: a worker with another one does nothing.
        pipeline_sha256: The run's: a worker that has another pipeline under that name does nothing.
        options: What replaces the pipeline's own for this run.

    """
    try:
        known = {"run_id": run_id, "shard": shard, "shards": shards, "attempt": attempt}
        part = Part.model_validate({**known, "begun_at": begun_at, "cache": cache})
    except ValidationError as error:
        first = error.errors()[0]
        return Failed(message=f"{'.'.join(map(str, first['loc']))}: {first['msg']}. Nothing was run")

    def prepare() -> Plan:
        plan = plan_of(pipeline, taken(options or {}), by_parameter=False)
        if plan.sha256 != pipeline_sha256:
            raise ConfigError(
                f"the pipeline {plan.name} of this worker is not the run's: its steps, schemas, model or "
                "endpoint differ. Deploy one version to all workers, and set the same DOCMILL_ variables"
            )
        limits = share(plan.limits, shard, shards)
        return replace(plan, source=Dealt(plan.source), limits=limits, evaluate=None, alert=None)

    return await execute(prepare, _unasked, _worked, part)


async def _unasked(plan: Plan, stop: Stop) -> str | None:  # noqa: ARG001  the run was asked
    return None


async def _worked(run: ActiveRun) -> None:
    """Do the shard's documents, and say meanwhile that it lives."""
    assert isinstance(run.results, PartResults)
    beating = asyncio.create_task(_beat(run, run.results.beat))
    try:
        await Documents(run, _found(run, run.results)).process()
    finally:
        beating.cancel()


async def _found(run: ActiveRun, results: PartResults) -> AsyncIterator[Found]:
    """Give the shard's documents that have no outcome yet."""
    source, pages = run.plan.source, results.waiting_documents(PAGE)
    assert isinstance(source, Dealt)
    while page := await asyncio.to_thread(next, pages, None):
        refs = [source.ref(each.document_id, each.uri, each.text, each.fault, each.file) for each in page]
        for found in await asyncio.to_thread(with_decisions, refs, results):
            yield found


async def _beat(run: ActiveRun, beat: Callable[[], None]) -> None:
    while True:
        try:
            await asyncio.to_thread(beat)
        except StorageError as error:
            run.fail(error)
            return
        await asyncio.sleep(BEAT_EVERY_S)
