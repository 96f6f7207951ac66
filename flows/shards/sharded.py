"""A run that its shards carry out: listed and dealt here, followed, and added up at its end."""

import asyncio

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectException

from docmill.flows.pipeline.given import Given
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.shards import as_parameter, handed_on
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.liveness import identity
from docmill.flows.shards.deployment import require_deployment
from docmill.flows.shards.following import Following
from docmill.flows.shards.listing import dealt
from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import NOT_DONE, Outcome
from docmill.schemas.shard import Part, Shard
from docmill.tasks.sinks.looking import read_in_part
from docmill.tasks.sinks.work import ShardedResults

SHOWN = 20  # outcomes, for the table at the end


async def sharded(run: ActiveRun, *, pipeline: Given, chosen: RunOptions) -> None:
    """Have shards bring the run's documents to their outcomes."""
    results = run.results
    assert isinstance(results, ShardedResults)
    async with get_client() as client:
        try:
            await require_deployment(client, run.session.tell)
            shards = await dealt(run, results)
            following = Following(run, results, shards)
            cache = await asyncio.to_thread(identity, run.session.cache)

            def parameters(shard: Shard) -> dict[str, object]:
                part = Part(
                    run_id=run.row.run_id,
                    shard=shard.shard,
                    shards=len(shards),
                    attempt=shard.attempt,
                    begun_at=run.row.started_at.timestamp(),
                    cache=cache,
                )
                told = {**part.model_dump(), "pipeline": as_parameter(pipeline)}
                return {**told, "pipeline_sha256": run.plan.sha256, "options": handed_on(chosen)}

            try:
                await following.until_through(client, parameters)
            finally:
                await _add_up(run, results, following)
        except StorageError as error:
            run.fail(error)
        except (HTTPError, PrefectException) as error:
            run.fail(StorageError(f"the Prefect server did not start the shards: {type(error).__name__}"))


async def _add_up(run: ActiveRun, results: ShardedResults, following: Following) -> None:
    """Count the run's documents by what was written down of them, and compare that with the shards' sums."""
    run_id = run.row.run_id
    passed = run.progress.counts.total() - run.progress.taken_up()
    listed, worked = await asyncio.to_thread(results.worked, run_id)
    counts, total = following.come_to()
    run.progress.now(counts, total)
    # What no shard has begun when a run is stopped was not read, as in a run without shards.
    in_all = sum(worked.values()) if run.session.ending.is_set() else listed
    run.progress.documents_in = passed + in_all
    if {status: count for status, count in counts.items() if count} != worked:
        run.fail(StorageError(f"the shards count {counts}, and their documents have {worked}"))
    if kept := await asyncio.to_thread(results.timelines.of_run, run_id):
        run.progress.timeline, run.progress.waited = lambda: kept, lambda: kept.held_back
    in_part = await asyncio.to_thread(read_in_part, results, run_id)
    run.progress.truncated, run.progress.done_in_part = in_part
    run.row = run.row.model_copy(update={"cost_booked": following.is_booked()})
    run.ledger.observer.gathered(await asyncio.to_thread(_some, results, run_id))


def _some(results: ShardedResults, run_id: str) -> list[Outcome]:
    """Give some outcomes of the run, those first that are not done."""
    rows = [*results.first(NOT_DONE, run_id, SHOWN), *results.first(["done"], run_id, SHOWN)]
    return [
        Outcome.model_validate({name: row[name] for name in row if name in Outcome.model_fields})
        for row in rows
    ]
