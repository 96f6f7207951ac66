"""The documents of a run: admitted as there is room, each to its outcome, and ended when the run stops."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from docmill.flows.observe.observer import GRACE_S
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.dividing import process
from docmill.flows.run.intake import Found, intake
from docmill.flows.run.room import Room
from docmill.schemas.errors import StorageError
from docmill.tasks.sources.parsing import pool

ABORT_S = 1.0
READERS = 8


class Documents:
    """Brings the documents of a run to their outcomes, many at the same time."""

    def __init__(self, run: ActiveRun, found: AsyncIterator[Found] | None = None) -> None:
        """Take those of the run's source, else those that are `found` otherwise."""
        self._run = run
        self._found = found or intake(run.refs, run.plan, run.results)
        self._under_way: set[asyncio.Task[None]] = set()
        # A slot that becomes free finds a request waiting, so more documents are under way than
        # calls; but the embedded model's prompt cache wants a document's steps one after the other.
        ahead = 0 if run.plan.target.local else run.plan.concurrency + 8
        self._room = Room(run.plan.concurrency + ahead)
        # Of their own: a document that waits for its parser holds up no result and no hash.
        self._readers = ThreadPoolExecutor(READERS, "readers")

    async def process(self) -> None:
        """Bring every document that is read to its outcome, until the source ends or the run stops."""
        admission = asyncio.create_task(self._admit())
        stop = asyncio.create_task(self._run.session.stopped.wait())
        ending = asyncio.create_task(self._run.session.ending.wait())
        await asyncio.wait({admission, ending}, return_when=asyncio.FIRST_COMPLETED)
        admission.cancel()
        while self._under_way and not stop.done():
            await asyncio.wait({stop, *self._under_way}, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            await self._end()
        for task in (stop, ending):
            task.cancel()
        self._readers.shutdown(wait=False, cancel_futures=True)
        await asyncio.gather(admission, stop, ending, return_exceptions=True)
        if not admission.cancelled() and (error := admission.exception()):
            if not isinstance(error, StorageError):
                raise error
            self._run.failure = self._run.failure or error

    async def _admit(self) -> None:
        run, admitted = self._run, 0
        async for found in self._found:
            if found.unchanged:
                run.ledger.unchanged()
                continue
            if found.quarantined and not run.plan.released:
                run.ledger.quarantined()
                continue
            await self._room.enter(found.size)
            if found.quarantined:
                await asyncio.to_thread(run.results.release, found.ref.document_id)
            admitted += 1
            run.progress.documents_in += 1
            task = asyncio.create_task(process(run, found, self._readers))
            self._under_way.add(task)
            task.add_done_callback(partial(self._ended, found.size))
            if admitted == run.plan.limit:
                return

    def _ended(self, size: int, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._room.leave(size)

    async def _end(self) -> None:
        """Give the calls in flight their time, then end them; what is not finished is deferred."""
        for grace, end in ((GRACE_S, self._run.session.abort), (ABORT_S, self._cancel)):
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=grace)
            end()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _cancel(self) -> None:
        for task in self._under_way:
            task.cancel()
        pool.stop()  # else what is being parsed, up to 30 s each, would be waited for
