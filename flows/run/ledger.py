"""The ledger: outcomes on their way into the database, counted once they are durable."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from docmill.flows.observe.observer import Observer
from docmill.flows.observe.progress import RunProgress
from docmill.flows.observe.telemetry import count_document
from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import Outcome, Run
from docmill.tasks.sinks.results import Results

Pending = tuple[Outcome, "asyncio.Future[None]"]


class Ledger:
    """Writes a run's outcomes, together those that end while the last ones are being written."""

    def __init__(self, results: Results, run: Run, progress: RunProgress, observer: Observer) -> None:
        self._results = results
        self._run = run
        self._progress = progress
        self.observer = observer
        self._pending: list[Pending] = []
        self._writer: asyncio.Task[None] | None = None
        self._failure: StorageError | None = None
        self._thread = ThreadPoolExecutor(1, "results")

    def unchanged(self) -> None:
        """Count a document that need not be done again."""
        self._progress.add_unchanged()
        count_document(self._run.pipeline, "unchanged")
        self.observer.unchanged()

    def quarantined(self) -> None:
        """Count a document that failed too often before."""
        self._progress.add_quarantined()
        self.observer.unchanged()

    async def put(self, outcome: Outcome) -> None:
        """Store an outcome; returns when it is durable. Raises StorageError, from the first failure on."""
        if self._failure:
            raise self._failure
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((outcome, stored))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await stored

    def close(self) -> None:
        """End the writing thread."""
        self._thread.shutdown()

    async def _write(self) -> None:
        while batch := self._pending:
            self._pending = []
            outcomes = [outcome for outcome, _ in batch]
            try:
                await asyncio.get_running_loop().run_in_executor(
                    self._thread, self._results.write, outcomes, self._run.run_id, self._run.pipeline_sha256
                )
            except Exception as error:  # noqa: BLE001  whatever it is, nobody may wait for ever
                # From now on nothing is tried: each try could wait for a lock as long as this one.
                self._failure = error if isinstance(error, StorageError) else _unknown(error)
                for _, stored in [*batch, *self._pending]:
                    if not stored.done():
                        stored.set_exception(self._failure)
                return
            for outcome, stored in batch:
                self._progress.add(outcome)
                self.observer.outcome(outcome)
                if not stored.done():
                    stored.set_result(None)


def _unknown(error: Exception) -> StorageError:
    return StorageError(f"an outcome cannot be stored: {type(error).__name__}")
