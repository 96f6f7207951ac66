"""The engine: documents of a source through the steps, concurrently, bounded, each to its outcome."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from prefect.context import FlowRunContext

from docmill.flows.observe.observer import GRACE_S
from docmill.flows.pipeline.plan import Plan
from docmill.flows.run.document import walk
from docmill.flows.run.intake import intake
from docmill.flows.run.ledger import Ledger
from docmill.schemas.errors import Deferred, StorageError, Unreadable
from docmill.schemas.outcome import Outcome, Status, Tally
from docmill.tasks.chat.session import Session
from docmill.tasks.sinks.results import Results
from docmill.tasks.sources.parsing import pool
from docmill.tasks.sources.source import DocumentRef

ABORT_S = 1.0
READERS = 8


class Engine:
    """One run over listed documents. `failure` is what the cache, the results or the source failed with."""

    def __init__(
        self,
        plan: Plan,
        refs: Iterator[DocumentRef],
        session: Session,
        results: Results,
        ledger: Ledger,
    ) -> None:
        self._plan = plan
        self._refs = refs
        self._session = session
        self._results = results
        self._ledger = ledger
        self._documents: set[asyncio.Task[None]] = set()
        # A slot that becomes free finds a request waiting, so more documents are under way than
        # calls; but the embedded model's prompt cache wants a document's steps one after the other.
        ahead = plan.concurrency + 8
        self._window = asyncio.Semaphore(plan.concurrency + (0 if plan.target.local else ahead))
        # Of their own: a document that waits for its parser holds up no result and no hash.
        self._readers = ThreadPoolExecutor(READERS, "readers")
        self.failure: StorageError | None = None

    async def run(self) -> None:
        """Bring every document that is read to its outcome, until the source ends or the run stops."""
        admission = asyncio.create_task(self._admit())
        stop = asyncio.create_task(self._session.stopped.wait())
        await asyncio.wait({admission, stop}, return_when=asyncio.FIRST_COMPLETED)
        admission.cancel()
        while self._documents and not stop.done():
            await asyncio.wait({stop, *self._documents}, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            await self._end()
        stop.cancel()
        self._readers.shutdown(wait=False, cancel_futures=True)
        await asyncio.gather(admission, stop, return_exceptions=True)
        if not admission.cancelled() and (error := admission.exception()):
            if not isinstance(error, StorageError):
                raise error
            self.failure = self.failure or error

    async def _admit(self) -> None:
        taken_up = 0
        async for found in intake(self._refs, self._plan, self._results):
            if found.unchanged:
                self._ledger.unchanged()
                continue
            await self._window.acquire()
            taken_up += 1
            self._ledger.documents_in += 1
            task = asyncio.create_task(self._document(found.ref))
            self._documents.add(task)
            task.add_done_callback(self._documents.discard)
            if taken_up == self._plan.limit:
                return

    async def _document(self, ref: DocumentRef) -> None:
        begun = time.monotonic()
        try:
            outcome = await self._outcome(ref)
            await self._ledger.put(outcome.model_copy(update={"seconds": time.monotonic() - begun}))
        except StorageError as error:
            self.failure = self.failure or error
            self._session.stop(str(error))
        finally:
            self._forget()
            self._window.release()

    def _forget(self) -> None:
        """Drop what Prefect keeps of each task run for the whole flow run: edges here come from states."""
        if context := FlowRunContext.get():
            context.run_results.clear()
            context.task_run_assets.clear()

    async def _outcome(self, ref: DocumentRef) -> Outcome:
        try:
            document = await asyncio.get_running_loop().run_in_executor(self._readers, ref.read)
            return await walk(self._plan, self._session, document)
        except StorageError:
            raise
        except Unreadable as error:
            return await self._without_steps(ref, "failed", str(error))
        except Deferred as error:
            return await self._without_steps(ref, "deferred", str(error))
        except asyncio.CancelledError:
            if not self._session.stopped.is_set():
                raise
            return await self._without_steps(ref, "deferred", "the run was stopped")
        except Exception as error:  # noqa: BLE001  whatever it is, the document has an outcome
            kind = f"cannot be read: {type(error).__name__}"
            return await self._without_steps(ref, "failed", kind, f"{kind}: {error}")

    async def _without_steps(
        self, ref: DocumentRef, status: Status, reason: str, error: str | None = None
    ) -> Outcome:
        """Make the outcome of a document that did not get through; what its calls cost is booked."""
        tallies = (self._session.settle((ref.document_id, step.id)) for step in self._plan.steps)
        return Outcome(
            document_id=ref.document_id,
            uri=ref.uri,
            content_sha256=await asyncio.to_thread(ref.sha256),
            status=status,
            error=error or reason,
            reason=reason,
            **sum(tallies, Tally()).model_dump(),
        )

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
        pool.stop()  # else what is being parsed, up to 30 s each, would be waited for
