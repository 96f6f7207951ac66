"""One step of one document: its request, its completion, and what that came to."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from prefect.client.schemas.objects import State

from docmill.flows.observe.telemetry import step_span
from docmill.flows.pipeline.plan import Plan, StepPlan
from docmill.flows.run.answer import Requests, whole_record
from docmill.flows.run.basis import Basis, facts_of_rules
from docmill.flows.run.calls import Calls
from docmill.flows.run.failures import described, doubted, reason, status
from docmill.flows.run.held import Held
from docmill.flows.run.inputs import input_of, is_wanted, schema_of, with_others_examples
from docmill.flows.run.labels import as_decided
from docmill.flows.run.long_lists import by_lists
from docmill.flows.run.long_texts import by_parts
from docmill.flows.run.models import Answer, has_closed, in_turn
from docmill.flows.run.votes import by_votes
from docmill.schemas.decision import Decision
from docmill.schemas.document import Document
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
    """A document on its way through the steps of a plan; `running` is a task a step.

    Of `decisions` on a document those on this content of it are kept.
    """

    plan: Plan
    session: Session
    document: Document
    decisions: Sequence[Decision] = ()
    running: dict[str, asyncio.Task[StepResult]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.basis = Basis(self.document)
        content = self.document.content_sha256
        self.decisions = [each for each in self.decisions if each.content_sha256 == content]

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
    states: list[State[Any]] = []  # of all models

    async def reply_of(model: str) -> Held:
        after = [state for state in states if state.is_completed()][-1:] or waited
        given = (of.plan, of.basis, with_others_examples(step, text), model)
        calls = Calls(*given, states=states, session=of.session, waited=after)
        return await answered(calls, text, of.plan.tools[schema] if schema else None)

    with step_span(of.plan, step) as ended:
        answer = await in_turn(step, reply_of, partial(has_closed, of.session))
        outcome = as_decided(step, _outcome(of, step, text, answer, states), of.decisions)
        ended(outcome)
    of.basis.outputs[step.id] = outcome.output
    about = facts_of_rules(of.basis, step, of.plan.tools[schema]) if schema else None
    return StepResult(
        outcome.model_copy(update={"about": about, "seconds": time.monotonic() - begun}),
        states[-1] if states else None,
        schema if step.has_table else None,
        answer.held,
        halted=answer.failure is not None,
    )


async def answered(requests: Requests, text: str, schema: ToolSchema | None) -> Held:
    """Ask for what the step puts out, by as many votes as it says."""
    if requests.acts.votes(requests.step.options) == 1:
        return await _answered(requests, text, schema)
    return await by_votes(requests, schema, lambda vote: _answered(vote, text, schema))


async def _answered(requests: Requests, text: str, schema: ToolSchema | None) -> Held:
    """Ask once for what the step puts out; a label is no record."""
    acts, options = requests.acts, requests.step.options
    tool = acts.tool(options, schema)
    if (found := await by_parts(requests, text, tool)) is not None:
        return found
    if schema and tool:
        return await by_lists(requests, text, tool) or await whole_record(requests, text, tool)
    completion = await requests.completion(requests.body(text, tool), tool, [])
    return Held(acts.read(completion, options))


def _outcome(
    of: DocumentRun, step: StepPlan, text: str, answer: Answer, states: Sequence[State[Any]]
) -> StepOutcome:
    doubt, failure = doubted(step, answer.held), answer.failure
    limit = step.options.max_input_tokens if step.options.long == "fail" else None
    caller = of.document.document_id, step.id
    made, tally = of.session.made.take(caller), of.session.settle(caller)
    tally += Tally(cached_calls=sum(state.name == "Cached" for state in states))
    reply = getattr(failure, "reply", "") or None
    return StepOutcome(
        status=status(failure) if failure else "review" if doubt else "done",
        sha256=step.sha256,
        schema_sha256=step.schema_sha256,
        model=answer.model,
        output=answer.held.record,
        doubts=answer.held.doubts() if doubt else None,
        keys=tuple(made.keys),
        made=tuple(made.calls),
        reply=reply,
        rejected=made.before(reply),
        error=described(step, failure) if failure else doubt,
        reason=reason(step, failure) if failure else doubt,
        truncated=answer.held.truncated
        or (limit is not None and len(text.encode()) > limit * BYTES_PER_TOKEN),
        **tally.model_dump(),
    )
