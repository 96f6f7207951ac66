"""A file on its way through a run: found to hold several documents, each of which is one of the run's."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from prefect.client.schemas.objects import State

from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.basis import Basis
from docmill.flows.run.boundaries import boundaries, is_divisible, parted
from docmill.flows.run.calls import Calls
from docmill.flows.run.document import process_document
from docmill.flows.run.intake import Found, intake, with_decisions
from docmill.flows.run.models import has_closed
from docmill.schemas.bundle import SPLIT, Bundle
from docmill.schemas.document import Document
from docmill.schemas.errors import StorageError, Unreadable
from docmill.schemas.outcome import StepOutcome, Tally
from docmill.tasks.checks.boundaries import Stretch
from docmill.tasks.sinks.bundles import divide
from docmill.tasks.sinks.work import PartResults
from docmill.tasks.sources import scans
from docmill.tasks.sources.divided import PartRef, Undivided

MOST_KEPT_CHARS = 5_000_000  # of the texts that were read to divide a file; what is beyond is read again


@dataclass
class Division:
    """What a file holds; `texts` are of documents that were read already, `asked` what was asked for that.

    `left` are the ids of those that are neither begun nor passed over yet; `unseen` as the bundle has it.
    """

    parts: list[PartRef] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    texts: dict[str, Document] = field(default_factory=dict)
    asked: StepOutcome | None = None
    unseen: bool = False

    def add(self, ref: PartRef, document: Document | None) -> None:
        """Take a document in."""
        self.parts.append(ref)
        self.left.add(ref.document_id)
        kept = sum(len(each.text) for each in self.texts.values())
        if document is not None and kept + len(document.text) <= MOST_KEPT_CHARS:
            self.texts[ref.document_id] = document


async def process(run: ActiveRun, found: Found, readers: Executor) -> None:
    """Bring what was listed to its outcome, or to those of the documents that it holds."""
    ref = found.ref
    if not isinstance(ref, Undivided):
        await process_document(run, found, readers)
        return
    try:
        division = await _divided(run, ref, readers)
    except (Exception, asyncio.CancelledError) as failure:  # noqa: BLE001  the file has an outcome
        await process_document(run, found, readers, failed=failure)
        return
    await _process_parts(run, found, ref, division, readers)


async def _process_parts(
    run: ActiveRun, found: Found, ref: Undivided, division: Division, readers: Executor
) -> None:
    bundle = Bundle(
        document_id=ref.document_id,
        content_sha256=ref.sha256() or "",
        split_sha256=_step(run).sha256,
        parts=tuple(each.part for each in division.parts),
        unseen=division.unseen,
    )
    storing = asyncio.create_task(
        asyncio.to_thread(divide, run.results, bundle, asked=division.asked is not None)
    )
    try:
        with suppress(asyncio.CancelledError):  # it is stored all the same; a run that stops begins no more
            await asyncio.shield(storing)
        await storing
    except StorageError as error:
        run.fail(error)
        return
    if bundle.ids() == [ref.document_id]:
        text = division.texts.get(ref.document_id)
        await process_document(run, found, readers, document=text, divided=division.asked)
        return
    run.progress.documents_in += len(division.parts) - 1
    try:
        await _process_each(run, division, readers)
    except* StorageError as lost:
        run.fail(StorageError(str(lost.exceptions[0])))
    if run.session.ending.is_set():  # what was not begun is as what was not read
        run.progress.documents_in -= len(division.left)


async def _process_each(run: ActiveRun, division: Division, readers: Executor) -> None:
    room = asyncio.Semaphore(1 if run.plan.target.local else run.plan.concurrency)
    async with asyncio.TaskGroup() as group:
        async for part in _to_do(run, division):
            await room.acquire()
            name, asked = part.ref.document_id, division.asked
            division.asked = None  # its costs are the first document's
            division.left.discard(name)
            document = division.texts.pop(name, None)
            task = group.create_task(process_document(run, part, readers, document=document, divided=asked))
            task.add_done_callback(lambda _: room.release())


async def _to_do(run: ActiveRun, division: Division) -> AsyncIterator[Found]:
    """Give the documents that are to be done, and count those that are passed over; a stop ends it."""
    async for part in _found(run, iter(division.parts)):
        if division.asked is None:
            if run.session.ending.is_set():
                return
            if part.unchanged or (part.quarantined and not run.plan.released):
                run.progress.documents_in -= 1  # which is counted where it is passed over
                division.left.discard(part.ref.document_id)
                run.ledger.unchanged() if part.unchanged else run.ledger.quarantined()
                continue
        if part.quarantined:
            await asyncio.to_thread(run.results.release, part.ref.document_id)
        yield part


async def _found(run: ActiveRun, refs: Iterator[PartRef]) -> AsyncIterator[Found]:
    if not isinstance(run.results, PartResults):
        async for each in intake(refs, run.plan, run.results):
            yield each
        return
    for each in await asyncio.to_thread(with_decisions, list(refs), run.results):  # a shard does what it has
        yield each


async def _divided(run: ActiveRun, ref: Undivided, readers: Executor) -> Division:
    """Find out what a file holds; raises what keeps it from that."""
    loop, begun, division = asyncio.get_running_loop(), time.monotonic(), Division()
    states: list[State[Any]] = []
    ends: list[str] = []
    is_blind = not scans.reads(run.plan.ocr)
    for part in await loop.run_in_executor(readers, ref.parts):
        own = ref.part(part)
        try:
            document = await loop.run_in_executor(readers, own.read)
        except Unreadable as error:  # which its outcome tells
            division.unseen |= is_blind and scans.HINT in str(error)
            division.add(own, None)
            continue
        division.unseen |= is_blind and any(scans.HINT in each.why for each in document.unread)
        if not is_divisible(document):
            division.add(own, document)
            continue
        found = await _boundaries(run, ref, document, states)
        ends += [f"{each.first}-{each.last}" for each in found]
        for each in parted(part, found):
            inner = ref.part(each)
            division.add(inner, inner.of(document))
    if states:
        division.asked = _outcome(run, ref.document_id, states, ends, time.monotonic() - begun)
    return division


async def _boundaries(
    run: ActiveRun, ref: Undivided, document: Document, states: list[State[Any]]
) -> list[Stretch]:
    """Ask about the pages of a document, in the name of its file."""
    step = _step(run)

    def asking(page: Basis, model: str) -> Calls:
        return Calls(run.plan, page, step, model, states=states, session=run.session, waited=[])

    named = document.model_copy(update={"document_id": ref.document_id})
    return await boundaries(
        step, named, asking, lambda model: has_closed(run.session, model), run.plan.concurrency
    )


def _outcome(
    run: ActiveRun, document_id: str, states: list[State[Any]], ends: list[str], seconds: float
) -> StepOutcome:
    """Say what was asked to divide a file, and what it has cost."""
    step, caller = _step(run), (document_id, SPLIT)
    made, tally = run.session.made.take(caller), run.session.settle(caller)
    tally += Tally(cached_calls=sum(state.name == "Cached" for state in states))
    return StepOutcome(
        status="done",
        sha256=step.sha256,
        schema_sha256=step.schema_sha256,
        model=step.models[0],
        output=f"pages {', '.join(ends)}",
        keys=tuple(made.keys),
        made=tuple(made.calls),
        rejected=made.before(None),
        seconds=seconds,
        **tally.model_dump(),
    )


def _step(run: ActiveRun) -> StepPlan:
    assert run.plan.split is not None  # else no file is listed as undivided
    return run.plan.split
