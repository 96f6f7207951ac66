"""Puts right what runs left behind whose process died: their rows, and their flow runs on the server."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC
from typing import Any
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from prefect.states import Crashed

from docmill.flows.observe.observer import Observer
from docmill.flows.run.liveness import identity, is_alive
from docmill.schemas.errors import ConfigError
from docmill.schemas.outcome import STATUSES, Run
from docmill.schemas.shard import part_name
from docmill.tasks.chat.kept import Cache
from docmill.tasks.sinks.alive import of_other_caches
from docmill.tasks.sinks.looking import shards_flow_runs
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.work import ShardedResults

PATIENCE_S = 5.0
UNSHARED = "what both ask is paid for twice. Set DOCMILL_CACHE alike"


async def recover(results: Results, pipeline: str, cache: Cache, observer: Observer, own: str = "") -> None:
    """Mark a pipeline's dead runs as failed and their flow runs as Crashed; of one that lives it is told.

    `own` is the run that asks. Whether one of another cache lives is not known here: it is left alone while
    it writes that it does.
    """
    await _crash(await asyncio.to_thread(_fail_dead, results, pipeline, cache, observer, own))


def taken_up(results: ShardedResults, row: Run, selection: str, cache: Cache, concurrency: int) -> Run:
    """Give the row of this pipeline's run whose process died while its shards go on, else the given one.

    What that run has listed is not listed again. Raises ConfigError where it has more shards than calls may
    be in flight.
    """
    elsewhere = of_other_caches(results, identity(cache))
    for found in results.begun(row.pipeline_sha256, selection):
        if found["run_id"] not in elsewhere and not is_alive(found["run_id"], cache):
            counts = {status: found[status] for status in STATUSES if found[status]}
            began = Run.model_validate({**found, "counts": counts})
            at = began.started_at.replace(tzinfo=began.started_at.tzinfo or UTC)  # SQLite keeps no zone
            if began.shards > concurrency:
                raise ConfigError(
                    f"shards: the run {began.run_id}, whose process died and which is taken up, has "
                    f"{began.shards} shards, which share limits.concurrency, {concurrency}: raise it "
                    "(--concurrency)"
                )
            return began.model_copy(update={"started_at": at, "flow_run_id": row.flow_run_id})
    return row


def _fail_dead(results: Results, pipeline: str, cache: Cache, observer: Observer, own: str) -> list[str]:
    """Mark the rows of dead runs as failed; gives their flow runs, and those of their shards."""
    dead: list[str] = []
    elsewhere = of_other_caches(results, identity(cache))
    for run_id, flow_run_id, shards in results.running():
        if run_id == own:
            continue
        if run_id in elsewhere:
            observer.warn(f"the run {run_id} of {pipeline} is under way with another cache: {UNSHARED}")
            continue
        names = [run_id, *(part_name(run_id, shard) for shard in range(1, shards + 1))]
        if any(is_alive(name, cache) for name in names):
            observer.announce(f"the run {run_id} of {pipeline} is under way too: both work")
            continue
        results.fail(run_id)
        dead += [flow_run_id] if flow_run_id else []
        dead += shards_flow_runs(results, run_id)
    return dead


async def _crash(flow_run_ids: Iterable[str]) -> None:
    """Set flow runs that say they go on to Crashed, which frees their deployment's slot too.

    A server that does not know them, or does not answer, is left alone; so is the flow run that asks:
    one whose process died may be tried again under its id.
    """
    async with get_client() as client:
        for flow_run_id in set(flow_run_ids) - {flow_run.id}:
            with suppress(HTTPError, PrefectException, TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    state = (await client.read_flow_run(UUID(flow_run_id))).state
                    if state and not state.is_final():
                        died: State[Any] = Crashed(message="the process died; another run found its row")
                        await client.set_flow_run_state(UUID(flow_run_id), died, force=True)
