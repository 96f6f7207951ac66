"""What the Prefect UI shows of a run beside its task runs: log lines, events and two artifacts."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from httpx import HTTPError
from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    aupdate_progress_artifact,
)
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.exceptions import PrefectException
from prefect.logging import get_run_logger

from docmill.flows.observe.alerts import passed
from docmill.flows.observe.artifact import markdown
from docmill.flows.observe.highlights import Highlights
from docmill.flows.observe.observer import Observer
from docmill.flows.observe.progress import RunProgress
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.decision import Waiting
from docmill.schemas.evaluate import Verdict
from docmill.schemas.money import dollars, money
from docmill.schemas.outcome import BAD, Outcome, Run
from docmill.schemas.shard import Part, Shard

UPDATE_EVERY_S = 2.0
PATIENCE_S = 5.0  # a server that does not answer holds no run up for longer


class PrefectUI(Observer):
    """Writes what happens where Prefect's users look for it, and passes it on to another observer."""

    def __init__(self, plan: Plan, progress: RunProgress, inner: Observer) -> None:
        self._plan = plan
        self._inner = inner
        self._log = get_run_logger()
        self._resource = {
            "prefect.resource.id": f"docmill.pipeline.{plan.name}",
            "prefect.resource.name": plan.name,
        }
        self._run_id = ""
        self._progress = progress
        self._highlights = Highlights()
        self._verdict: Verdict | None = None
        self._shards: Sequence[Shard] = ()

    def announce(self, message: str) -> None:
        """Pass on what is being waited for."""
        self._log.debug(message)
        self._inner.announce(message)

    def warn(self, message: str) -> None:
        """Pass on a line that must be read, and log it."""
        self._log.warning(message)
        self._inner.warn(message)

    def started(self, run: Run, progress: RunProgress) -> None:
        """Write that a run begins."""
        self._run_id = run.run_id
        self._log.info("run %s: %s", run.run_id, self._plan.origin)
        self._inner.started(run, progress)

    def unchanged(self) -> None:
        """Pass on a document that needs no line of its own."""
        self._inner.unchanged()

    def outcome(self, outcome: Outcome) -> None:
        """Write a document's line, and where it failed its event."""
        self._highlights.take(outcome)
        self._log.info("%s", _line(outcome))
        if outcome.status in BAD:
            payload = {
                "run_id": self._run_id,
                "document_id": outcome.document_id,
                "status": outcome.status,
                "reason": outcome.reason,
            }
            emit_event("docmill.document.failed", self._resource, payload=payload)
        self._inner.outcome(outcome)

    def sharded(self, shards: Sequence[Shard]) -> None:
        """Keep it for the report."""
        self._shards = shards
        self._inner.sharded(shards)

    def gathered(self, outcomes: Sequence[Outcome]) -> None:
        """Pass it on: the shards have said what there was to say."""
        self._inner.gathered(outcomes)

    def evaluated(self, verdict: Verdict) -> None:
        """Keep it for the report, and announce what does not hold."""
        self._verdict = verdict
        for reason in verdict.reasons:
            self._log.warning("evaluation: %s", reason)
        if verdict.reasons:
            payload = {"run_id": self._run_id, **verdict.model_dump(mode="json", exclude={"confusion"})}
            emit_event("docmill.evaluation.failed", self._resource, payload=payload)
        self._inner.evaluated(verdict)

    def nearly_spent(self, budget: str, spent_usd: float, of_usd: float) -> None:
        """Log it, and announce it as an alert."""
        self.warn(f"{dollars(spent_usd)} of the budget of the {budget}, {dollars(of_usd)}, are spent")
        payload = {"run_id": self._run_id, "budget": budget, "threshold": "budget"}
        labelled = self._resource | {"docmill.threshold": "budget"}
        emit_event("docmill.alert", labelled, payload=payload | {"limit": of_usd, "value": spent_usd})

    def stopping(self, reason: str, grace_s: float) -> None:
        """Write why the run ends."""
        self._log.warning("%s: calls in flight get %.0f s", reason, grace_s)
        self._inner.stopping(reason, grace_s)

    def abandoned(self) -> None:
        """Pass it on."""
        self._inner.abandoned()

    async def ended(self, run: Run, why: object, waiting: Waiting) -> None:
        """Write the run's report, announce what waits and the run's end: after the last task run's events."""
        await self._reported(run, why, waiting, f"{self._plan.name}-report")
        if waiting.in_all:
            waits = {"run_id": run.run_id, "waiting": waiting.in_all, "of_this_run": waiting.of_run}
            emit_event("docmill.review.waiting", self._resource, payload=waits)
        above = passed(self._plan.alert, run)
        for each in above:
            payload = {"run_id": run.run_id, "threshold": each.name, "limit": each.limit, "value": each.value}
            # A trigger matches labels of the resource, never a payload.
            labelled = self._resource | {"docmill.threshold": each.name}
            emit_event("docmill.alert", labelled, payload=payload)
        self._finished(run, [each.name for each in above])

    async def _reported(self, run: Run, why: object, waiting: Waiting, key: str) -> None:
        self._progress.whole = run.state in ("complete", "incomplete")
        told = str(why) if why else None
        in_part = self._progress.done_in_part
        timeline = self._progress.timeline()
        report = markdown(
            self._plan,
            run,
            self._highlights,
            told,
            in_part,
            waiting,
            self._verdict,
            timeline,
            self._shards,
        )
        with suppress(HTTPError, PrefectException, TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await acreate_markdown_artifact(report, key=key, description=f"{run.state}: {run.counted()}")

    def _finished(self, run: Run, above: Sequence[str]) -> None:
        payload = {
            "run_id": run.run_id,
            "state": run.state,
            "documents_in": run.documents_in,
            **run.every_count(),
            "cost_usd": run.cost_usd,
            "passed": above,
        }
        labelled = self._resource | {"docmill.state": run.state}
        emit_event("docmill.run.finished", labelled, payload=payload)


class ShardUI(PrefectUI):
    """Writes what happens in a shard: what is said once a run its run says."""

    def nearly_spent(self, budget: str, spent_usd: float, of_usd: float) -> None:
        """Leave it to the run, which says it once for all its shards."""

    async def ended(self, run: Run, why: object, waiting: Waiting) -> None:
        """Write the shard's report."""
        await self._reported(run, why, waiting, f"{self._plan.name}-shard-report")


@asynccontextmanager
async def shown_in_prefect(
    plan: Plan, progress: RunProgress, inner: Observer, part: Part | None = None
) -> AsyncIterator[PrefectUI]:
    """Give the observer of a flow run, whose progress artifact moves while the block runs."""
    ui, ended = (ShardUI if part else PrefectUI)(plan, progress, inner), asyncio.Event()
    moving = asyncio.create_task(_move(progress, f"{plan.name}{'-shard' if part else ''}-progress", ended))
    tagging = asyncio.create_task(_tag(plan))
    try:
        yield ui
    finally:
        ended.set()
        await asyncio.gather(moving, tagging)


async def _tag(plan: Plan) -> None:
    """Tag the flow run alone, to find it by: each task run with a tag would ask the server for a slot."""
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    tags = {*context.flow_run.tags, plan.name, *plan.models}
    with suppress(HTTPError, PrefectException, TimeoutError):
        async with asyncio.timeout(PATIENCE_S), get_client() as client:
            await client.update_flow_run(context.flow_run.id, tags=sorted(tags))


async def _move(progress: RunProgress, key: str, ended: asyncio.Event) -> None:
    """Keep the progress artifact at what has been done, the last time when the run has ended."""
    artifact: UUID | None = None
    shown = None
    while True:
        last = ended.is_set()
        now = (progress.percent(), progress.counted())
        if now != shown:
            with suppress(HTTPError, PrefectException, TimeoutError):
                async with asyncio.timeout(PATIENCE_S):
                    artifact, shown = await _show(artifact, key, *now), now
        if last:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), UPDATE_EVERY_S)


async def _show(artifact: UUID | None, key: str, percent: float, counted: str) -> UUID:
    if artifact is None:
        created = await acreate_progress_artifact(percent, key=key, description=counted)
        assert isinstance(created, UUID)
        return created
    await aupdate_progress_artifact(artifact, percent, description=counted)
    return artifact


def _line(outcome: Outcome) -> str:
    """Write a document's outcome, calls and cost on one line; never what it says."""
    told = f"{outcome.status} {outcome.document_id}: {outcome.calls} calls, {outcome.cached_calls} cached"
    cost = money(outcome.cost_usd, estimated=outcome.cost_estimated)
    line = f"{told}, {cost}, {outcome.seconds:.1f} s"
    return f"{line}: {outcome.reason}" if outcome.reason else line
