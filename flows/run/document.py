"""One document: read, taken through its steps, and stored with its outcome."""

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import Executor

from prefect.context import FlowRunContext

from docmill.flows.observe.telemetry import document_ended, traced
from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.review.carried import REJECTED, rejection
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.decided import Decided, decided
from docmill.flows.run.failures import described, not_read
from docmill.flows.run.failures import reason as failed_reason
from docmill.flows.run.failures import status as failed_status
from docmill.flows.run.intake import Found
from docmill.flows.run.step import DocumentRun, run_step
from docmill.schemas.bundle import SPLIT
from docmill.schemas.document import Document
from docmill.schemas.errors import ChatError, Deferred, StorageError, Unreadable
from docmill.schemas.outcome import WORST_FIRST, Outcome, Status, StepOutcome, Tally
from docmill.tasks.sources.source import DocumentRef
from docmill.tasks.steps.kind import kind


def _named(run: ActiveRun, found: Found, *_: object, **__: object) -> dict[str, str]:
    return {"docmill.pipeline": run.plan.name, "docmill.document_id": found.ref.document_id}


@traced("document", _named)
async def process_document(
    run: ActiveRun,
    found: Found,
    readers: Executor,
    *,
    document: Document | None = None,
    divided: StepOutcome | None = None,
    failed: BaseException | None = None,
) -> None:
    """Bring a listed document to its outcome and store it; free steps run at the same time.

    It may have been read already, or have `failed` before. `divided` is what was asked to find it in a file.
    """
    begun = time.monotonic()
    try:
        try:
            if failed is not None:
                raise failed
            if document is None:
                document = await asyncio.get_running_loop().run_in_executor(readers, found.ref.read)
            steps = DocumentRun(run.plan, run.session, document, found.decisions)
            async with asyncio.TaskGroup() as group:
                for step in run.plan.steps:
                    steps.running[step.id] = group.create_task(run_step(steps, step))
            outcome = _outcome(run, document, await decided(steps))
        except (Exception, asyncio.CancelledError) as failure:  # noqa: BLE001  it has an outcome
            outcome = await _without_steps(run, found.ref, failure)
        known = {"seconds": time.monotonic() - begun, "decisions": len(found.decisions)}
        outcome = _storable(run, _with_division(outcome.model_copy(update=known), divided))
        await run.ledger.put(outcome)
        document_ended(run.plan, outcome)
    except StorageError as error:
        run.fail(error)
    finally:
        _forget()


def _forget() -> None:
    """Drop what Prefect keeps of each task run for the whole flow run: edges here come from states."""
    if context := FlowRunContext.get():
        context.run_results.clear()
        context.task_run_assets.clear()


async def _without_steps(run: ActiveRun, ref: DocumentRef, failure: BaseException) -> Outcome:
    """Make the outcome of a document that did not get through; what its calls cost is booked.

    Raises StorageError where that was the failure, and CancelledError where the run does not stop.
    """
    if isinstance(failure, asyncio.CancelledError) and run.session.stopped.is_set():
        failure = run.session.deferred(run.session.closed or "the run was stopped")
    status, reason, error = _failure(failure, run.plan.split)
    tallies = (run.session.settle((ref.document_id, step.id)) for step in run.plan.every_step())
    return Outcome(
        document_id=ref.document_id,
        uri=ref.uri,
        content_sha256=await asyncio.to_thread(ref.sha256),
        status=status,
        error=error,
        reason=reason,
        **sum(tallies, Tally()).model_dump(),
    )


def _with_division(outcome: Outcome, divided: StepOutcome | None) -> Outcome:
    """Add what was asked to divide the file, and what that has cost."""
    if divided is None:
        return outcome
    cost = (outcome.tally() + divided.tally()).model_dump()
    return outcome.model_copy(update={"steps": {SPLIT: divided, **outcome.steps}, **cost})


def _storable(run: ActiveRun, outcome: Outcome) -> Outcome:
    """Fail a document alone whose typed rows the database would not take."""
    said = run.results.unheld(outcome)
    if said is None:
        return outcome
    changed: dict[str, object] = {"status": "failed", "reviewed_at": None, "typed": {}}
    return outcome.model_copy(update={**changed, "reason": said, "error": said})


def _failure(failure: BaseException, split: StepPlan | None) -> tuple[Status, str, str]:
    """Give the status, our own sentence, and the whole error of what kept a document from its steps."""
    if isinstance(failure, ExceptionGroup):  # of the steps, which raise StorageError alone
        [failure, *_] = failure.exceptions
    match failure:
        case Unreadable():
            return "failed", str(failure), str(failure)
        case Deferred():
            return "deferred", str(failure), str(failure)
        case StorageError() | asyncio.CancelledError():
            raise failure
    if isinstance(failure, ChatError) and split is not None:
        status = failed_status(failure)
        assert status != "skipped"
        return status, failed_reason(split, failure), described(split, failure)
    kind_of_error = f"cannot be read: {type(failure).__name__}"
    return "failed", kind_of_error, f"{kind_of_error}: {failure}"


def _outcome(run: ActiveRun, document: Document, now: Decided) -> Outcome:
    """Make a document's outcome of what its steps came to, and of what was decided about it before."""
    results = now.results
    steps = {step_id: result.outcome for step_id, result in results.items()}
    found = {step.status for step in steps.values()}
    worst = next((each for each in WORST_FIRST if each in found), "done")
    status, reason, error = _told(run, now, worst, steps.values())
    # What a column is filled with last, in the order written.
    last = {
        fills: results[step.id]
        for step in run.plan.steps
        if (fills := kind(step.kind).fills) and steps[step.id].output is not None
    }
    held = last["record"].held if "record" in last else None
    records = {
        result.table: result.outcome.output
        for result in results.values()
        if result.table is not None and result.outcome.status == "done"
    }
    return Outcome(
        document_id=document.document_id,
        uri=document.uri,
        content_sha256=document.content_sha256,
        status=status,
        evidence=held.grounding.evidence if held and held.grounding else None,
        steps=steps,
        truncated=any(step.truncated for step in steps.values()),
        unread=document.unread,
        recognized=document.recognized,
        missing=held.completeness.rows if held and held.completeness else None,
        broken_rules=held.broken if held else None,
        model=next((step.model for step in reversed(steps.values()) if step.model), None),
        reviewed_at=now.at if status == "done" or (now.rejected and status == "review") else None,
        error=error,
        reason=reason,
        typed=records if status == "done" else {},
        **{fills: result.outcome.output for fills, result in last.items()},
        **sum((step.tally() for step in steps.values()), Tally()).model_dump(),
    )


def _told(
    run: ActiveRun, now: Decided, worst: str, steps: Iterable[StepOutcome]
) -> tuple[str, str | None, str | None]:
    """Give a document's status, our own sentence, and the whole error; a review tells what was not read."""
    failed = next((step for step in steps if step.status == worst and step.error), None)
    reason, error = (failed.reason, failed.error) if failed else (None, None)
    unread = None if run.plan.allow_unread else not_read(now.unread)
    if now.rejected and worst in ("done", "review"):
        return "review", REJECTED, rejection(now.rejected)
    if unread is None or worst not in ("done", "review"):
        return worst, reason, error
    return "review", "; ".join(filter(None, (reason, unread))), "; ".join(filter(None, (error, unread)))
