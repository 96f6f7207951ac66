"""The intake: what the source lists, and what of it is unchanged, a batch at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import islice

from docmill.flows.pipeline.plan import Plan
from docmill.schemas.errors import StorageError
from docmill.tasks.sinks.results import Results
from docmill.tasks.sources.source import DocumentRef

BATCH = 200
FIRST_BATCH = 20  # of a source that is slow to list, the first documents begin before the rest is known


@dataclass(frozen=True)
class Found:
    """A document of the source; `unchanged` where a good outcome of the same content is stored."""

    ref: DocumentRef
    unchanged: bool


async def intake(refs: Iterator[DocumentRef], plan: Plan, results: Results) -> AsyncIterator[Found]:
    """Give the listed documents; whether they are unchanged is asked in batches, off the loop.

    Raises StorageError where the source is lost.
    """
    size = FIRST_BATCH
    while batch := await asyncio.to_thread(_batch, refs, size, plan, results):
        size = BATCH
        for found in batch:
            yield found


def _batch(refs: Iterator[DocumentRef], size: int, plan: Plan, results: Results) -> list[Found]:
    batch: list[DocumentRef] = []
    try:
        for ref in islice(refs, size):
            batch.append(ref)  # noqa: PERF402  what was read before the source is lost is not
    except StorageError:  # which the next batch raises again
        if not batch:
            raise
    if plan.refresh:
        return [Found(ref, unchanged=False) for ref in batch]
    hashes = {ref.document_id: digest for ref in batch if (digest := ref.sha256())}
    unchanged = results.unchanged(hashes, plan.sha256) if hashes else set()
    return [Found(ref, ref.document_id in unchanged) for ref in batch]
