"""The intake: what the source lists, and what of it is unchanged, a batch at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass

from docmill.flows.pipeline.plan import Plan
from docmill.schemas.decision import Decision
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.unread_pictures import with_unread_pictures
from docmill.tasks.sources import scans
from docmill.tasks.sources.batches import BATCH, FIRST_BATCH, batch
from docmill.tasks.sources.source import DocumentRef
from docmill.tasks.sources.weights import read_bytes


@dataclass(frozen=True)
class Found:
    """A document of the source; `unchanged` where a good outcome of the same content is stored.

    `quarantined` where that content failed too often before. `decisions` are what people
    have decided about it before. `size` says about how many bytes it takes once it is read, of what is to be.
    """

    ref: DocumentRef
    unchanged: bool
    quarantined: bool = False
    decisions: tuple[Decision, ...] = ()
    size: int = 0


async def intake(refs: Iterator[DocumentRef], plan: Plan, results: ReviewedResults) -> AsyncIterator[Found]:
    """Give the listed documents; whether they are unchanged is asked in batches, off the loop.

    Raises StorageError where the source is lost.
    """
    size = FIRST_BATCH
    while found_ones := await asyncio.to_thread(_batch, refs, size, plan, results):
        size = BATCH
        for found in found_ones:
            yield found


def _batch(refs: Iterator[DocumentRef], size: int, plan: Plan, results: ReviewedResults) -> list[Found]:
    listed = batch(refs, size)
    hashes = {ref.document_id: ref.sha256() for ref in listed} if _compares(plan, results) else {}
    unchanged = _unchanged(hashes, plan, results)
    quarantined = _quarantined(hashes, plan, results) - unchanged
    changed = [ref for ref in listed if ref.document_id not in unchanged | quarantined]
    decided = {found.ref.document_id: found for found in with_decisions(changed, results)}
    held = {ref.document_id: Found(ref, unchanged=True) for ref in listed if ref.document_id in unchanged}
    return [
        held.get(ref.document_id)
        or decided.get(ref.document_id)
        or Found(ref, unchanged=False, quarantined=True, size=read_bytes(ref))
        for ref in listed
    ]


def with_decisions(refs: Sequence[DocumentRef], results: ReviewedResults) -> list[Found]:
    """Give documents that are to be done, with what people have decided about them; it blocks."""
    ids = [ref.document_id for ref in refs]
    decisions = results.decisions(ids) if ids and results.has_decisions() else {}
    return [
        Found(ref, False, decisions=tuple(decisions.get(ref.document_id, ())), size=read_bytes(ref))
        for ref in refs
    ]


def _compares(plan: Plan, results: ReviewedResults) -> bool:
    """Say whether hashes are compared: taking them reads every file."""
    return not plan.refresh or results.has_quarantined()


def _unchanged(hashes: Mapping[str, str | None], plan: Plan, results: ReviewedResults) -> set[str]:
    known = {document_id: digest for document_id, digest in hashes.items() if digest}
    unchanged = results.unchanged(known, plan.sha256) if known and not plan.refresh else set()
    if unchanged and scans.reads(plan.ocr):  # it may have come since: then they are read anew
        unchanged -= with_unread_pictures(results, unchanged, scans.HINT)
    return unchanged


def _quarantined(hashes: Mapping[str, str | None], plan: Plan, results: ReviewedResults) -> set[str]:
    if not hashes or not results.has_quarantined():
        return set()
    return results.quarantined(hashes, plan.sha256)
