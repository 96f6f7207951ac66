"""One run: opened, begun, driven to its end, and closed with its row written."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from docmill.flows.observe.observer import Listener
from docmill.flows.pipeline.plan import Plan
from docmill.flows.run.documents import Engine
from docmill.flows.run.ledger import Ledger
from docmill.flows.run.liveness import held, lives
from docmill.flows.run.recovery import crash
from docmill.flows.run.stop import Stop
from docmill.schemas.errors import DocmillError, StorageError
from docmill.schemas.outcome import Run, RunState
from docmill.schemas.pipeline import Limits
from docmill.tasks.chat.session import Session, session
from docmill.tasks.sinks.results import Results
from docmill.tasks.sources.source import DocumentRef

FINE = {"done", "unchanged", "review"}


@dataclass(frozen=True)
class Ended:
    """What a run has come to, its task runs, and the error that stopped or failed it."""

    run: Run
    task_runs: int
    error: DocmillError | None


async def run(
    plan: Plan, refs: Iterator[DocumentRef], listener: Listener, stop: Stop, flow_run_id: str | None
) -> Ended:
    """Take listed documents to their outcomes; raises ConfigError where nothing could begin."""
    results = await asyncio.to_thread(Results.open, plan.into, plan.name, plan.typed())
    begun = _begun(plan, flow_run_id)
    ledger = Ledger(results, begun, listener)
    try:
        async with session(plan.target, Limits(concurrency=plan.concurrency), refresh=plan.refresh) as opened:
            with held(begun.run_id, opened.directory), stop.stopping(opened):
                await crash(await asyncio.to_thread(_begin, results, begun, opened.directory, listener))
                listener.started(begun)
                engine = Engine(plan, refs, opened, results, ledger)
                return await _driven(engine, begun, ledger, opened, results)
    finally:
        ledger.close()
        results.close()


async def _driven(engine: Engine, begun: Run, ledger: Ledger, opened: Session, results: Results) -> Ended:
    state: RunState = "failed"
    error: DocmillError | None = None
    try:
        await engine.run()
        state = _state(ledger, opened, engine)
    finally:
        run = _ended(begun, ledger, state)
        try:
            await asyncio.to_thread(results.end, run)
        except StorageError as lost:
            run, error = run.model_copy(update={"state": "failed"}), lost
    return Ended(run, opened.task_runs, engine.failure or error or opened.fatal)


def _begun(plan: Plan, flow_run_id: str | None) -> Run:
    return Run(
        run_id=str(uuid4()),
        pipeline=plan.name,
        pipeline_sha256=plan.sha256,
        endpoint=plan.target.name,
        model=plan.target.model,
        flow_run_id=flow_run_id,
        started_at=datetime.now(UTC),
    )


def _begin(results: Results, run: Run, directory: Path, listener: Listener) -> list[str]:
    """Write the run's row; rows of runs that died are put right, of one that lives it is told.

    Gives the flow runs of those that died.
    """
    died: list[str] = []
    for run_id, flow_run_id in results.running():
        if lives(run_id, directory):
            listener.announce(f"the run {run_id} of {run.pipeline} is under way too: both work")
            continue
        results.bury(run_id)
        died += [flow_run_id] if flow_run_id else []
    results.begin(run)
    return died


def _ended(run: Run, ledger: Ledger, state: RunState) -> Run:
    return run.model_copy(
        update={
            "ended_at": datetime.now(UTC),
            "state": state,
            "documents_in": ledger.documents_in,
            "counts": dict(ledger.counts),
            **ledger.total.model_dump(),
        }
    )


def _state(ledger: Ledger, opened: Session, engine: Engine) -> RunState:
    if engine.failure or sum(ledger.counts.values()) != ledger.documents_in:
        return "failed"
    if opened.stopped.is_set():
        return "stopped"
    return "complete" if ledger.counts.keys() <= FINE else "incomplete"
