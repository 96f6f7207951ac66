"""A run while it lives."""

from collections.abc import Iterator
from dataclasses import dataclass

from docmill.flows.observe.progress import RunProgress
from docmill.flows.pipeline.plan import Plan
from docmill.flows.run.gone import Seen
from docmill.flows.run.ledger import Ledger
from docmill.flows.run.state import state_of
from docmill.schemas.decision import NONE_WAITING, Waiting
from docmill.schemas.errors import DocmillError, StorageError
from docmill.schemas.evaluate import Verdict
from docmill.schemas.outcome import Run, RunState
from docmill.tasks.chat.session import Session
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sources.source import DocumentRef


@dataclass
class ActiveRun:
    """A run while it lives, and once it has ended.

    `row` is as it is stored, and `waiting` what is in review once it has ended. `failure` is what the cache,
    the results or the source failed with, and `error` what stopped or failed the run in the end. `verdict`
    is what became of the pipeline's labels, `seen` what the source has listed, where that is asked.
    `is_taken_up` of one that an earlier process has listed: what has come since is none of it.
    """

    plan: Plan
    refs: Iterator[DocumentRef]
    row: Run
    session: Session
    results: ReviewedResults
    ledger: Ledger
    progress: RunProgress
    waiting: Waiting = NONE_WAITING
    failure: StorageError | None = None
    error: DocmillError | None = None
    verdict: Verdict | None = None
    seen: Seen | None = None
    is_taken_up: bool = False

    def fail(self, error: StorageError) -> None:
        """Stop the run for what cannot be stored or listed."""
        self.failure = self.failure or error
        self.session.stop(str(error))

    def state(self) -> RunState:
        """Say what it has come to, now that nothing of it is under way."""
        stopped, failed = self.session.ending.is_set(), self.failure is not None
        return state_of(self.plan, self.progress, self.verdict, stopped=stopped, failed=failed)
