"""`process`: the flow that runs a pipeline over its documents."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed

from flows import spec
from flows.engine import Engine
from flows.ledger import Ledger
from flows.listener import Listener
from flows.local import reachable
from flows.resolve import Overrides, Plan, resolve
from flows.server import run_page
from schemas.errors import ConfigError, DocmillError, StorageError
from schemas.outcome import Outcome, Run, RunState
from schemas.pipeline import Limits, Pipeline
from tasks.chat.session import Session, session
from tasks.sinks.results import Results

FINE = {"done", "unchanged", "review"}


@dataclass
class Invocation:
    """How a flow run was invoked beyond its parameters, and the error it ended with."""

    overrides: Overrides = field(default_factory=Overrides)
    listener: Listener = field(default_factory=Listener)
    error: DocmillError | None = None
    run: Run | None = None


_invocation: ContextVar[Invocation | None] = ContextVar("docmill_invocation", default=None)


@contextmanager
def invoked(invocation: Invocation) -> Iterator[None]:
    """Run the flow with what its parameters do not say."""
    token = _invocation.set(invocation)
    try:
        yield
    finally:
        _invocation.reset(token)


def _flow_run_name() -> str:
    pipeline = flow_run.parameters.get("pipeline")
    name = pipeline.name if isinstance(pipeline, Pipeline) else Path(str(pipeline)).stem
    return f"{name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


@flow(name="process", flow_run_name=_flow_run_name)
async def process(
    pipeline: Path | Pipeline,
    documents: str | None = None,
    limit: int | None = None,
    refresh: bool = False,
) -> State[Any]:
    """Run a pipeline, given by its file or in full, over its documents.

    `documents` replaces its glob, `limit` takes up so many documents that are not unchanged, and
    `refresh` asks everything anew. Ends Completed where every document is done, unchanged or in
    review, else Failed with the counts as its message.
    """
    # It logs each call twice, and a traceback for each that is given up; the documents' lines say it.
    logging.getLogger("prefect.task_runs").setLevel(logging.CRITICAL)
    invocation = _invocation.get() or Invocation()
    given = Overrides(documents=documents, limit=limit, refresh=refresh)
    overrides = invocation.overrides if _invocation.get() else given
    try:
        declared = spec.load(pipeline) if isinstance(pipeline, Path) else _safe(pipeline)
        plan = resolve(declared, overrides)
        async with reachable(plan, invocation.listener) as reached:
            return await _run(reached, invocation)
    except ConfigError as error:
        invocation.error = error
        return Failed(message=str(error))


def _safe(pipeline: Pipeline) -> Pipeline:
    """Refuse a pipeline given as a parameter that names where documents and keys are sent."""
    if pipeline.endpoint not in ("local", "302ai"):
        raise ConfigError(
            "endpoint: a pipeline that is given as a parameter names local or 302ai (or give it as a file)"
        )
    return pipeline


async def _run(plan: Plan, invocation: Invocation) -> State[Any]:
    results = Results.open(plan.into, plan.name, plan.tools)
    run = _begun(plan)
    listener = _Logged(invocation.listener)
    ledger = Ledger(results, run, listener)
    try:
        async with session(plan.target, Limits(concurrency=plan.concurrency), refresh=plan.refresh) as opened:
            results.begin(run)
            listener.started(run, _page(run))
            engine = Engine(plan, opened, results, ledger)
            try:
                await engine.run()
            finally:
                run = _ended(run, ledger, opened, engine)
                results.end(run)
    except StorageError as error:
        invocation.error = error
        return Failed(message=str(error))
    finally:
        ledger.close()
        results.close()
        invocation.run = run
    listener.ended(run)
    invocation.error = engine.failure or opened.fatal
    return _state(run, opened, engine)


def _begun(plan: Plan) -> Run:
    context = FlowRunContext.get()
    return Run(
        run_id=str(uuid4()),
        pipeline=plan.name,
        pipeline_sha256=plan.sha256,
        endpoint=plan.target.name,
        model=plan.target.model,
        flow_run_id=str(context.flow_run.id) if context and context.flow_run else None,
        started_at=datetime.now(UTC),
    )


def _ended(run: Run, ledger: Ledger, opened: Session, engine: Engine) -> Run:
    return run.model_copy(
        update={
            "ended_at": datetime.now(UTC),
            "state": _run_state(ledger, opened, engine),
            "documents_in": ledger.documents_in,
            "counts": dict(ledger.counts),
            **ledger.total.model_dump(),
        }
    )


def _run_state(ledger: Ledger, opened: Session, engine: Engine) -> RunState:
    if engine.failure or sum(ledger.counts.values()) != ledger.documents_in:
        return "failed"
    if opened.stopped.is_set():
        return "stopped"
    return "complete" if ledger.counts.keys() <= FINE else "incomplete"


def _state(run: Run, opened: Session, engine: Engine) -> State[Any]:
    counts = run.counted()
    if run.state == "complete":
        return Completed(message=counts)
    if engine.failure:
        return Failed(message=f"{engine.failure}. {counts}")
    if run.state == "failed":
        return Failed(message=f"the counts do not add up to documents_in {run.documents_in}: {counts}")
    return Failed(message=f"{opened.fatal}. {counts}" if opened.fatal else counts)


def _page(run: Run) -> str:
    api_url = PREFECT_API_URL.value()
    return run_page(api_url, run.flow_run_id) if api_url and run.flow_run_id else ""


class _Logged(Listener):
    """Passes on what happens, and writes one line a document into the flow run's log."""

    def __init__(self, inner: Listener) -> None:
        self._inner = inner
        self._log = get_run_logger()
        self.started, self.unchanged, self.ended = inner.started, inner.unchanged, inner.ended  # type: ignore[method-assign]

    def outcome(self, outcome: Outcome) -> None:
        self._log.info("%s %s", outcome.status, outcome.document_id)
        self._inner.outcome(outcome)
