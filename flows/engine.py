"""The engine: documents of a source through the steps, concurrently, bounded, each to its outcome."""

import asyncio

from flows.intake import intake
from flows.ledger import Ledger
from flows.resolve import Plan
from flows.stopping import GRACE_S
from flows.walk import walk
from schemas.document import DocumentRef
from schemas.errors import StorageError, Unreadable
from schemas.outcome import Outcome, Tally
from tasks.chat.session import Session
from tasks.sinks.results import Results
from tasks.sources.files import read

ABORT_S = 1.0


class Engine:
    """One run over a plan's documents. `failure` is what the cache or the database failed with."""

    def __init__(self, plan: Plan, session: Session, results: Results, ledger: Ledger) -> None:
        self._plan = plan
        self._session = session
        self._results = results
        self._ledger = ledger
        self._documents: set[asyncio.Task[None]] = set()
        # A slot that becomes free finds a request waiting, so more documents are under way than
        # calls; but the embedded model's prompt cache wants a document's steps one after the other.
        ahead = plan.concurrency + 8
        self._window = asyncio.Semaphore(plan.concurrency + (0 if plan.target.local else ahead))
        self.failure: StorageError | None = None

    async def run(self) -> None:
        """Bring every document that is read to its outcome, until the source ends or the run stops.

        Raises ConfigError where the source cannot be listed.
        """
        admission = asyncio.create_task(self._admit())
        stop = asyncio.create_task(self._session.stopped.wait())
        await asyncio.wait({admission, stop}, return_when=asyncio.FIRST_COMPLETED)
        admission.cancel()
        while self._documents and not stop.done():
            await asyncio.wait({stop, *self._documents}, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            await self._end()
        stop.cancel()
        await asyncio.gather(admission, stop, return_exceptions=True)
        if not admission.cancelled() and (error := admission.exception()):
            raise error

    async def _admit(self) -> None:
        taken_up = 0
        async for found in intake(self._plan, self._results):
            if found.unchanged:
                self._ledger.unchanged()
                continue
            if self._plan.limit is not None and taken_up >= self._plan.limit:
                return
            await self._window.acquire()
            taken_up += 1
            self._ledger.documents_in += 1
            task = asyncio.create_task(self._document(found.ref))
            self._documents.add(task)
            task.add_done_callback(self._documents.discard)

    async def _document(self, ref: DocumentRef) -> None:
        try:
            await self._ledger.put(await self._outcome(ref))
        except StorageError as error:
            self.failure = self.failure or error
            self._session.stop(str(error))
        finally:
            self._window.release()

    async def _outcome(self, ref: DocumentRef) -> Outcome:
        try:
            document = await asyncio.to_thread(read, ref)
            return await walk(self._plan, self._session, document)
        except Unreadable as error:
            return Outcome(
                document_id=ref.document_id,
                uri=ref.uri,
                content_sha256=None,
                status="failed",
                error=str(error),
            )
        except asyncio.CancelledError:
            if not self._session.stopped.is_set():
                raise
            return self._cut_off(ref)

    async def _end(self) -> None:
        """Give the calls in flight their time, then end them; what is not finished is deferred."""
        for grace, end in ((GRACE_S, self._session.abort), (ABORT_S, self._cancel)):
            if self._documents:
                await asyncio.wait(self._documents, timeout=grace)
            end()
        await asyncio.gather(*self._documents, return_exceptions=True)

    def _cancel(self) -> None:
        for task in self._documents:
            task.cancel()

    def _cut_off(self, ref: DocumentRef) -> Outcome:
        tallies = (self._session.settle((ref.document_id, step.id)) for step in self._plan.steps)
        return Outcome(
            document_id=ref.document_id,
            uri=ref.uri,
            content_sha256=None,
            status="deferred",
            error="the run was stopped",
            **sum(tallies, Tally()).model_dump(),
        )
