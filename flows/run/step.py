"""One step of one document: its request, its completion, and what that came to."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from prefect.client.schemas.objects import State

from docmill.flows.pipeline.plan import Plan, StepPlan
from docmill.flows.run.answer import Requests, whole_record
from docmill.flows.run.calls import Calls
from docmill.flows.run.failures import described, doubted, reason, status
from docmill.flows.run.held import Basis, Held
from docmill.flows.run.inputs import input_of, is_wanted, schema_of
from docmill.flows.run.long_lists import by_lists
from docmill.schemas.document import Document
from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import StepOutcome, Tally
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.session import Session
from docmill.tasks.checks.request import BYTES_PER_TOKEN


@dataclass(frozen=True)
class StepResult:
    """What a step of one document came to; `halted` where a failure came before or with it.

    `state` is its task run's, for the edges to it; `table` is the schema whose table its record fills,
    and `held` what that came to when it was held against the document.
    """

    outcome: StepOutcome
    state: State[Any] | None = None
    table: str | None = None
    held: Held | None = None
    halted: bool = False


@dataclass
class DocumentRun:
    """A document on its way through the steps of a plan; `running` is a task a step."""

    plan: Plan
    session: Session
    document: Document
    running: dict[str, asyncio.Task[StepResult]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.basis = Basis(self.document)

    def results(self) -> dict[str, StepResult]:
        """Give what the steps came to, in the order written."""
        return {step.id: self.running[step.id].result() for step in self.plan.steps}


async def run_step(of: DocumentRun, step: StepPlan) -> StepResult:
    """Wait for the steps before, ask for the step's completion, and read and check it.

    Its failure is its outcome; raises StorageError alone.
    """
    before = {need: await of.running[need] for need in step.needs}
    halted = any(result.halted for result in before.values())
    outcomes = {need: result.outcome for need, result in before.items()}
    schema = schema_of(step, outcomes)
    if halted or not is_wanted(step, schema, outcomes):
        return StepResult(StepOutcome(status="skipped", sha256=step.sha256), halted=halted)
    begun, text = time.monotonic(), input_of(step, outcomes, of.document)
    waited = [result.state for result in before.values() if result.state]
    requests = Calls(plan=of.plan, basis=of.basis, step=step, session=of.session, waited=waited)
    answer = _Answer()
    try:
        answer.held = await answered(requests, text, of.plan.tools[schema] if schema else None)
    except StorageError:
        raise
    except Exception as failure:  # noqa: BLE001  whatever it is, the document has an outcome
        answer.failure = failure
    outcome = _outcome(requests, text, answer).model_copy(update={"seconds": time.monotonic() - begun})
    return StepResult(
        outcome,
        requests.states[-1] if requests.states else None,
        schema if requests.acts.typed else None,
        answer.held,
        halted=answer.failure is not None,
    )


@dataclass
class _Answer:
    """What was read of a step's replies, or what failed."""

    held: Held = field(default_factory=lambda: Held(None))
    failure: Exception | None = None


async def answered(requests: Requests, text: str, schema: ToolSchema | None) -> Held:
    """Ask for what the step puts out; a label is no record."""
    acts, options = requests.acts, requests.step.options
    tool = acts.tool(options, schema)
    if schema and tool:
        return await by_lists(requests, text, tool) or await whole_record(requests, text, tool)
    body = acts.request(text, options, tool, requests.target)
    return Held(acts.read(await requests.completion(body, tool, []), options))


def _outcome(requests: Calls, text: str, answer: _Answer) -> StepOutcome:
    step, document_id = requests.step, requests.basis.document.document_id
    doubt, failure = doubted(step, answer.held), answer.failure
    limit = step.options.max_input_tokens
    tally = requests.session.settle((document_id, step.id))
    tally += Tally(cached_calls=sum(state.name == "Cached" for state in requests.states))
    return StepOutcome(
        status=status(failure) if failure else "review" if doubt else "done",
        sha256=step.sha256,
        output=answer.held.record,
        doubts=answer.held.doubts() if doubt else None,
        error=described(step, failure) if failure else doubt,
        reason=reason(step, failure) if failure else doubt,
        truncated=limit is not None and len(text.encode()) > limit * BYTES_PER_TOKEN,
        **tally.model_dump(),
    )
