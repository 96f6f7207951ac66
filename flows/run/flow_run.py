"""A flow run's whole way, which the flows `process` and `arrived` share: plan, run, final state."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from docmill.flows.observe.observer import Observer
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import Plan
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.documents import Documents
from docmill.flows.run.reviewing import review_paused
from docmill.flows.run.run import active
from docmill.flows.run.stop import Stop
from docmill.schemas.errors import ChatError, ConfigError, DocmillError, StorageError
from docmill.schemas.shard import Part


@dataclass
class Invocation:
    """How a flow run was invoked beyond its parameters, and the run that came of it once it has ended.

    `crashed` says that an error ended it which is not docmill's.
    """

    options: RunOptions | None = None
    observer: Observer = field(default_factory=Observer)
    ended: ActiveRun | None = None
    error: DocmillError | None = None
    crashed: bool = False


_invocation: ContextVar[Invocation | None] = ContextVar("docmill_invocation", default=None)


@contextmanager
def invoked(invocation: Invocation) -> Iterator[None]:
    """Run the flow with what its parameters do not say."""
    token = _invocation.set(invocation)
    try:
        yield
    finally:
        _invocation.reset(token)


def options(given: RunOptions) -> RunOptions:
    """Give what replaces the pipeline's own: the command line's, else what the parameters say."""
    invocation = _invocation.get()
    return (invocation and invocation.options) or given


def flow_run_name() -> str:
    """Name a flow run by its pipeline and the time, in UTC."""
    pipeline = flow_run.parameters.get("pipeline")
    declared = pipeline.get("name") if isinstance(pipeline, dict) else getattr(pipeline, "name", pipeline)
    name = str(declared).rpartition("/")[2].removesuffix(".yaml")
    return f"{name} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"


Answer = TypeVar("Answer")
Confirm = Callable[[Plan, Stop], Awaitable[str | None]]


Work = Callable[[ActiveRun], Awaitable[None]]


async def whole(run: ActiveRun) -> None:
    """Bring all documents of a run to their outcomes here."""
    await Documents(run).process()


async def execute(
    prepare: Callable[[], Plan], confirm: Confirm, work: Work = whole, part: Part | None = None
) -> State[Any]:
    """Prepare a plan, run it once it is confirmed, and give the flow run's final state.

    `confirm` gives the reason why it is not to be run, None where it is: then it is Stopped. `work` is who
    brings its documents to their outcomes, and `part` says which of them where it is not all.

    Completed where every document is done, unchanged or in review, but for the share that `fail_above`
    allows; Incomplete, a Failed, where some are not, or what the pipeline's `evaluate` asks does not hold;
    Stopped, a Cancelled for a signal or a cancel, a Failed where the account or the budget ended it; else
    Failed.
    """
    invocation = _invocation.get() or Invocation()
    stop = Stop(invocation.observer)
    run: ActiveRun | None = None
    with stop.installed():
        try:
            plan = prepare()
            if unconfirmed := await _watched(stop, confirm(plan, stop)):
                return _unconfirmed(stop, unconfirmed)
            async with active(plan, invocation.observer, stop, _flow_run_id(), part) as run:
                await work(run)
            if part is None and _invocation.get() is None:  # by hand `docmill review` is at hand
                await _watched(stop, review_paused(run, stop))
        except (ConfigError, StorageError) as error:
            invocation.error = error
            return Failed(message=str(error))
        except Exception:
            invocation.crashed = True
            raise
        finally:
            invocation.ended = run
        invocation.error = run.error
        return await _state(run, stop)


async def _watched(stop: Stop, asking: Awaitable[Answer]) -> Answer:
    """Wait for a person's answer; the run may be cancelled meanwhile."""
    watching = asyncio.create_task(stop.watch(_flow_run_id()))
    try:
        return await asking
    finally:
        watching.cancel()


def _unconfirmed(stop: Stop, why: str) -> State[Any]:
    return Cancelled(name="Stopped", message=why) if stop.cancelled else Failed(name="Stopped", message=why)


async def _state(ended: ActiveRun, stop: Stop) -> State[Any]:
    counts = ended.row.counted()
    if ended.row.state == "complete":
        waits = f". {ended.waiting}" if ended.waiting.in_all else ""
        return Completed(message=counts + waits)
    if ended.row.state == "stopped":
        await stop.look(_flow_run_id())  # a worker's SIGTERM comes before the next look
    stopped = ended.row.state == "stopped"
    if stop.cancelled or (stopped and stop.reason and not ended.error):
        return Cancelled(name="Stopped", message=f"{stop.reason}. {counts}")
    if stopped:
        return Failed(name="Stopped", message=f"{_why(ended, stop)}. {counts}")
    if ended.error or stop.reason:
        return Failed(message=f"{_why(ended, stop)}. {counts}")
    if ended.row.state == "failed":
        return Failed(message=f"the counts do not add up to documents_in {ended.row.documents_in}: {counts}")
    reasons = ended.verdict.reasons if ended.verdict else ()
    return Failed(name="Incomplete", message=". ".join([counts, *reasons]))


def _why(ended: ActiveRun, stop: Stop) -> str:
    """Say what ended a run, and what to do about it: of a scheduled run there is no terminal to read."""
    error = ended.error or stop.reason
    return error.advice.removesuffix(".") if isinstance(error, ChatError) else str(error)


def _flow_run_id() -> str:
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    return str(context.flow_run.id)
