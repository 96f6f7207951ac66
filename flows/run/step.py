"""One step of one document: its request, its completion, and what that came to."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prefect.client.schemas.objects import State
from prefect.utilities.annotations import opaque, quote

from docmill.flows.pipeline.plan import Plan, StepPlan
from docmill.flows.run.failures import described, reason, status, ungrounded
from docmill.schemas.chat import Completion
from docmill.schemas.document import Document
from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import StepOutcome, Tally
from docmill.schemas.pipeline import DOCUMENT
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.attempt import LONGEST_ON_LOOP_BYTES
from docmill.tasks.chat.complete import complete
from docmill.tasks.chat.session import Session
from docmill.tasks.checks.evidence.grounding import Grounding, Grounds
from docmill.tasks.checks.request import BYTES_PER_TOKEN, require_room
from docmill.tasks.steps.kind import kind
from docmill.tasks.steps.prompt import unsent_schema

Before = Mapping[str, "StepResult"]


@dataclass(frozen=True)
class StepResult:
    """What a step of one document came to; `halted` where a failure came before or with it.

    `state` is its task run's, for the edges to it; `table` is the schema whose table its record fills,
    and `grounding` what that came to when it was held against the document.
    """

    outcome: StepOutcome
    state: State[Any] | None = None
    table: str | None = None
    grounding: Grounding | None = None
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

    async def grounded(self, record: dict[str, Any], tool: ToolSchema) -> Grounding:
        """Hold a record against the document, whatever its step read; a long one in a thread."""
        if len(self.document.text) <= LONGEST_ON_LOOP_BYTES:
            return self.grounds.of(record, tool.marked)
        return await asyncio.to_thread(self.grounds.of, record, tool.marked)


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
        require_room(body, of.plan.target.endpoint)
        of.session.task_runs += 1
        answer.state = await complete(  # type: ignore[misc]  # Prefect declares an async task's state as its own
            quote(body),
            step=step.id,
            document=of.document.document_id,
            schema=unsent_schema(of.plan.target, tool),
            longest=acts.longest(step.options),
            return_state=True,
            wait_for=[opaque(result.state) for result in before.values() if result.state],
        )
        of.session.check_storage()
        completion = Completion.model_validate_json(await answer.state.result())
        answer.output = acts.read(completion, step.options)
        if schema and tool:  # a label is no record
            answer.grounding = await of.grounded(answer.output, tool)
    except StorageError:
        raise
    except Exception as failure:  # noqa: BLE001  whatever it is, the document has an outcome
        answer.failure = failure
    outcome = _outcome(of, step, text, answer).model_copy(update={"seconds": time.monotonic() - begun})
    table = schema if acts.typed else None
    return StepResult(outcome, answer.state, table, answer.grounding, halted=answer.failure is not None)


@dataclass
class _Answer:
    """What came of a step's request: its task run's state, what was read of it, or what failed."""

    state: State[Any] | None = None
    output: Any = None
    grounding: Grounding | None = None
    failure: Exception | None = None


def _outcome(of: DocumentRun, step: StepPlan, text: str, answer: _Answer) -> StepOutcome:
    doubt, failure = ungrounded(step, answer.grounding), answer.failure
    limit = step.options.max_input_tokens
    tally = of.session.settle((of.document.document_id, step.id))
    if answer.state is not None and answer.state.name == "Cached":
        tally += Tally(cached_calls=1)
    return StepOutcome(
        status=status(failure) if failure else "review" if doubt else "done",
        sha256=step.sha256,
        output=answer.output,
        error=described(step, failure) if failure else doubt,
        reason=reason(step, failure) if failure else doubt,
        truncated=limit is not None and len(text.encode()) > limit * BYTES_PER_TOKEN,
        **tally.model_dump(),
    )


def _schema(step: StepPlan, before: Before) -> str | None:
    """Choose the step's tool schema, by a label where one chooses."""
    acts = kind(step.kind)
    chosen = acts.chosen_by(step.options)
    return acts.schema(step.options, before[chosen[0]].outcome.output if chosen else None)


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
