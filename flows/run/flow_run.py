"""A flow run's whole way, which the flows `process` and `arrived` share: plan, run, final state."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from docmill.flows.observe.observer import Listener
from docmill.flows.observe.prefect_ui import observed
from docmill.flows.pipeline.plan import Overrides, Plan
from docmill.flows.run.embedded_model import reachable
from docmill.flows.run.run import Ended, run
from docmill.flows.run.stop import Stop
from docmill.schemas.errors import ConfigError, DocmillError, StorageError


@dataclass
class Invocation:
    """How a flow run was invoked beyond its parameters, and what it has come to."""

    overrides: Overrides | None = None
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


def overrides(given: Overrides) -> Overrides:
    """Give what replaces the pipeline's own: the command line's, else what the parameters say."""
    invocation = _invocation.get()
    return (invocation and invocation.overrides) or given


def flow_run_name() -> str:
    """Name a flow run by its pipeline and the time, in UTC."""
    pipeline = flow_run.parameters.get("pipeline")
    declared = pipeline.get("name") if isinstance(pipeline, dict) else getattr(pipeline, "name", pipeline)
    name = str(declared).rpartition("/")[2].removesuffix(".yaml")
    return f"{name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


async def conducted(prepare: Callable[[], Plan]) -> State[Any]:
    """Prepare a plan, run it, and give the flow run's final state.

    Completed where every document is done, unchanged or in review, else Failed with the counts as
    its message; Cancelled where it was cancelled.
    """
    invocation = _invocation.get() or Invocation()
    stop = Stop(invocation.listener)
    with stop.installed():
        try:
            ended = await _run(prepare(), invocation.listener, stop)
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
            async with reachable(plan, listener, stop) as reached, observed(plan, listener) as listening:
                ended = await run(reached, refs, listening, stop, flow_run_id)
                await listening.ended(ended.run, ended.error or stop.reason)
                return ended
    finally:
        watching.cancel()


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
