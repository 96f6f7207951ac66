"""Writes down which documents the shards of a run are to do: the source is listed once, by the run."""

import asyncio

from docmill.flows.pipeline.shards import how_many
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.intake import intake
from docmill.schemas.shard import Shard, place
from docmill.tasks.sinks.listed import Listed
from docmill.tasks.sinks.work import ShardedResults
from docmill.tasks.sources.dealt import written
from docmill.tasks.sources.source import DocumentRef
from docmill.tasks.sources.weights import MOST_LISTED_BYTES, listed_bytes

BATCH = 200


async def dealt(run: ActiveRun, results: ShardedResults) -> list[Shard]:
    """List the run's documents and divide them among its shards; what an earlier process began is found.

    Where the run is stopped meanwhile there are none. Raises StorageError where the source or the database
    is lost.
    """
    if begun := await asyncio.to_thread(results.shards, run.row.run_id):
        run.progress.counts.update(run.row.counts)
        run.is_taken_up = True
        run.session.tell(
            f"the run {run.row.run_id[:8]}, whose process died, is taken up: what has come since is for the "
            "next run"
        )
        return begun
    documents = await _listed(run, results)
    if run.session.ending.is_set() or not documents:
        return []
    counts = {status: count for status, count in run.progress.counts.items() if count}
    shards = how_many(run.plan, documents)
    run.row = run.row.model_copy(update={"shards": shards, "counts": counts})
    await asyncio.to_thread(results.deal, run.row, run.plan.selection)
    return await asyncio.to_thread(results.shards, run.row.run_id)


async def _listed(run: ActiveRun, results: ShardedResults) -> int:
    """Write down what is to be done, and count what is passed over; gives how many documents there are."""
    documents, batch, held = 0, list[Listed](), 0
    async for found in intake(run.refs, run.plan, results):
        if run.session.ending.is_set():
            break
        if found.unchanged:
            run.ledger.unchanged()
        elif found.quarantined and not run.plan.released:
            run.ledger.quarantined()
        else:
            if found.quarantined:
                await asyncio.to_thread(results.release, found.ref.document_id)
            batch.append(_entry(found.ref))
            held += listed_bytes(found.ref)
            documents += 1
        if len(batch) == BATCH or held >= MOST_LISTED_BYTES:
            await asyncio.to_thread(results.add_work, run.row.run_id, batch)
            batch, held = [], 0
        if documents == run.plan.limit:
            break
    if batch:
        await asyncio.to_thread(results.add_work, run.row.run_id, batch)
    return documents


def _entry(ref: DocumentRef) -> Listed:
    return Listed(place(ref.document_id), ref.document_id, ref.uri, *written(ref))
