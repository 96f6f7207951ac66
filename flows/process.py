"""`process`: the flow that runs a pipeline over its documents."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows import spec
from flows.listener import Listener
from flows.local import reachable
from flows.resolve import Overrides, Plan, resolve
from flows.running import Ended, run
from flows.stopping import Stop
from schemas.errors import ConfigError, DocmillError, StorageError
from schemas.outcome import Outcome, Run
from schemas.pipeline import Pipeline


@dataclass
class Invocation:
    """How a flow run was invoked beyond its parameters, and what it has come to."""

    overrides: Overrides = field(default_factory=Overrides)
    listener: Listener = field(default_factory=Listener)
    ended: Ended | None = None
    error: DocmillError | None = None


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
    review, else Failed with the counts as its message; Cancelled where it was cancelled.
    """
    # It logs each call twice, and a traceback for each that is given up; the documents' lines say it.
    logging.getLogger("prefect.task_runs").setLevel(logging.CRITICAL)
    invocation = _invocation.get() or Invocation(Overrides(documents, limit=limit, refresh=refresh))
    stop = Stop(invocation.listener)
    with stop.installed():
        try:
            declared = spec.load(pipeline) if isinstance(pipeline, Path) else _safe(pipeline)
            ended = await _run(resolve(declared, invocation.overrides), invocation.listener, stop)
        except (ConfigError, StorageError) as error:
            invocation.error = error
            return Failed(message=str(error))
        invocation.ended, invocation.error = ended, ended.error
        return await _state(ended, stop)


async def _run(plan: Plan, listener: Listener, stop: Stop) -> Ended:
    flow_run_id = _flow_run_id()
    watching = asyncio.create_task(stop.watch(flow_run_id))
    try:
        # Opened first: what is wrong with the source is said before anything is written.
        with ExitStack() as stack:
            refs = await asyncio.to_thread(stack.enter_context, plan.source.opened())
            async with reachable(plan, listener, stop) as reached:
                return await run(reached, refs, _Logged(listener), stop, flow_run_id)
    finally:
        watching.cancel()


def _safe(pipeline: Pipeline) -> Pipeline:
    """Refuse a pipeline given as a parameter that names where documents and keys are sent."""
    if pipeline.endpoint not in ("local", "302ai"):
        raise ConfigError(
            "endpoint: a pipeline that is given as a parameter names local or 302ai (or give it as a file)"
        )
    return pipeline


async def _state(ended: Ended, stop: Stop) -> State[Any]:
    counts = ended.run.counted()
    if ended.run.state == "complete":
        return Completed(message=counts)
    if ended.run.state == "stopped":
        await stop.look(_flow_run_id())  # a worker's SIGTERM comes before the next look
    if stop.cancelled:
        return Cancelled(message=f"{stop.reason}. {counts}")
    if ended.error or stop.reason:
        return Failed(message=f"{ended.error or stop.reason}. {counts}")
    if ended.run.state == "failed":
        return Failed(message=f"the counts do not add up to documents_in {ended.run.documents_in}: {counts}")
    return Failed(message=counts)


def _flow_run_id() -> str:
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    return str(context.flow_run.id)


class _Logged(Listener):
    """Passes on what happens, and writes one line a document into the flow run's log."""

    def __init__(self, inner: Listener) -> None:
        self._inner = inner
        self._log = get_run_logger()

    def announce(self, message: str) -> None:
        self._inner.announce(message)

    def started(self, run: Run) -> None:
        self._inner.started(run)

    def unchanged(self, documents: int) -> None:
        self._inner.unchanged(documents)

    def outcome(self, outcome: Outcome) -> None:
        self._log.info("%s %s", outcome.status, outcome.document_id)
        self._inner.outcome(outcome)
