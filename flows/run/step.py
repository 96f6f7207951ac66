"""One step of one document: its request, its completion, and what that came to."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prefect.client.schemas.objects import State
from prefect.utilities.annotations import opaque, quote

from docmill.flows.pipeline.chosen import chosen_schema
from docmill.flows.pipeline.plan import Plan, StepPlan
from docmill.flows.run.failures import described, doubted, reason, status
from docmill.flows.run.held import Held, held
from docmill.schemas.chat import Completion
from docmill.schemas.document import Document
from docmill.schemas.errors import ChatError, StorageError, Unreadable
from docmill.schemas.outcome import StepOutcome, Tally
from docmill.schemas.steps import DOCUMENT
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.complete import complete
from docmill.tasks.chat.session import Session
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.request import BYTES_PER_TOKEN, require_room
from docmill.tasks.steps.again import asked_again
from docmill.tasks.steps.kind import kind
from docmill.tasks.steps.prompt import unsent_schema

Before = Mapping[str, "StepResult"]
LONGEST_ON_LOOP_CHARS = 16_384


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
        self.grounds = Grounds(self.document.text, self.document.page_starts)

    def results(self) -> dict[str, StepResult]:
        """Give what the steps came to, in the order written."""
        return {step.id: self.running[step.id].result() for step in self.plan.steps}

    async def held(self, step: StepPlan, completion: Completion, tool: ToolSchema) -> Held:
        """Hold the record of a completion against the document; where either is long, in a thread."""
        record = kind(step.kind).read(completion, step.options)
        given = (self.grounds, self.document, step, record, tool)
        if len(self.document.text) + len(completion.text) <= LONGEST_ON_LOOP_CHARS:
            return held(*given)
        return await asyncio.to_thread(held, *given)


async def run_step(of: DocumentRun, step: StepPlan) -> StepResult:
    """Wait for the steps before, ask for the step's completion, and read and check it.

    Its failure is its outcome; raises StorageError alone.
    """
    before = {need: await of.running[need] for need in step.needs}
    halted = any(result.halted for result in before.values())
    schema = _schema(step, before)
    if halted or not _wanted(step, schema, before):
        return StepResult(StepOutcome(status="skipped", sha256=step.sha256), halted=halted)
    begun, acts, text = time.monotonic(), kind(step.kind), _input(step, before, of.document)
    answer = _Answer()
    try:
        tool = acts.tool(step.options, of.plan.tools[schema] if schema else None)
        body = acts.request(text, step.options, tool, of.plan.target)
        waited = [opaque(result.state) for result in before.values() if result.state]
        completion = await _asked(of, step, body, tool, answer, waited)
        if schema and tool:  # a label is no record
            first = await of.held(step, completion, tool)
            answer.held = await _completed(of, step, body, tool, answer, first)
        else:
            answer.held = Held(acts.read(completion, step.options))
    except StorageError:
        raise
    except Exception as failure:  # noqa: BLE001  whatever it is, the document has an outcome
        answer.failure = failure
    outcome = _outcome(of, step, text, answer).model_copy(update={"seconds": time.monotonic() - begun})
    return StepResult(
        outcome,
        answer.states[-1] if answer.states else None,
        schema if acts.typed else None,
        answer.held,
        halted=answer.failure is not None,
    )


@dataclass
class _Answer:
    """What came of a step's requests: their task runs' states, what was read of them, or what failed."""

    states: list[State[Any]] = field(default_factory=list)
    held: Held = field(default_factory=lambda: Held(None))
    failure: Exception | None = None


async def _asked(
    of: DocumentRun, step: StepPlan, body: bytes, tool: ToolSchema | None, answer: _Answer, waited: list[Any]
) -> Completion:
    """Ask for the completion of a body of the step."""
    require_room(body, of.plan.target.endpoint)
    of.session.task_runs += 1
    state: State[Any] = await complete(  # type: ignore[misc]  # Prefect declares an async task's state as its own
        quote(body),
        step=step.id,
        document=of.document.document_id,
        schema=unsent_schema(of.plan.target, tool),
        longest=kind(step.kind).longest(step.options),
        return_state=True,
        wait_for=waited,
    )
    answer.states.append(state)
    of.session.check_storage()
    return Completion.model_validate_json(await state.result())


async def _completed(
    of: DocumentRun, step: StepPlan, body: bytes, tool: ToolSchema, answer: _Answer, first: Held
) -> Held:
    """Ask once more where rows stand for no item or a rule is broken, and give the better of both records.

    What makes no second record leaves the first, but for what stops or defers the document.
    """
    if not first.missing and not first.broken:
        return first
    reply = json.dumps(first.record, ensure_ascii=False)
    try:
        again = asked_again(body, reply, first.missing, first.broken)
        completion = await _asked(of, step, again, tool, answer, [opaque(answer.states[-1])])
    except (ChatError, Unreadable) as failure:
        if status(failure) == "deferred":
            raise
        return first
    second = await of.held(step, completion, tool)
    return second if second.is_better(first) else first


def _outcome(of: DocumentRun, step: StepPlan, text: str, answer: _Answer) -> StepOutcome:
    doubt, failure = doubted(step, answer.held), answer.failure
    limit = step.options.max_input_tokens
    tally = of.session.settle((of.document.document_id, step.id))
    tally += Tally(cached_calls=sum(state.name == "Cached" for state in answer.states))
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


def _schema(step: StepPlan, before: Before) -> str | None:
    """Choose the step's tool schema, by a label where one chooses."""
    outputs = {name: result.outcome.output for name, result in before.items()}
    return chosen_schema(kind(step.kind), step.options, outputs)


def _wanted(step: StepPlan, schema: str | None, before: Before) -> bool:
    """Say whether the labels before want the step, and whether there is what it reads."""
    options = step.options
    for step_id, labels in options.when.items():
        if before[step_id].outcome.output not in ((labels,) if isinstance(labels, str) else labels):
            return False
    if options.input != DOCUMENT and before[options.input].outcome.status == "skipped":
        return False
    return schema is not None or not kind(step.kind).typed


def _input(step: StepPlan, before: Before, document: Document) -> str:
    if step.options.input == DOCUMENT:
        return document.text
    output = before[step.options.input].outcome.output
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
