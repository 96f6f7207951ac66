"""One document through a plan's steps, each completion a task run with its true edges."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prefect.client.schemas.objects import State
from prefect.utilities.annotations import opaque, quote

from docmill.flows.pipeline.plan import Plan, StepPlan
from docmill.flows.run.failures import reason, status, told, ungrounded
from docmill.schemas.chat import Completion
from docmill.schemas.document import Document
from docmill.schemas.errors import StorageError, Unreadable
from docmill.schemas.outcome import WORST_FIRST, Outcome, StepOutcome, Tally
from docmill.schemas.pipeline import DOCUMENT, Ask, Classify, Extract, Summarize
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.attempt import LONGEST_ON_LOOP_BYTES
from docmill.tasks.chat.complete import complete
from docmill.tasks.chat.session import Session
from docmill.tasks.checks.evidence.grounding import Grounding, Grounds
from docmill.tasks.steps import ask, classify, extract, summarize
from docmill.tasks.steps.prompt import BYTES_PER_TOKEN, unsent_schema

Before = Mapping[str, "Taken"]


@dataclass(frozen=True)
class Taken:
    """What a step of one document came to; `halted` where a failure came before or with it.

    `state` is its task run's, for the edges to it; `schema` is the extract schema of its record, and
    `grounding` what that came to when it was held against the document.
    """

    outcome: StepOutcome
    state: State[Any] | None = None
    schema: str | None = None
    grounding: Grounding | None = None
    halted: bool = False


async def walk(plan: Plan, session: Session, document: Document) -> Outcome:
    """Take a document through all steps, free ones at the same time; raises StorageError alone."""
    running: dict[str, asyncio.Task[Taken]] = {}
    grounds = Grounds(document.text, document.page_starts)
    try:
        async with asyncio.TaskGroup() as group:
            for step in plan.steps:
                turn = _in_turn(plan, session, document, grounds, step, running)
                running[step.id] = group.create_task(turn)
    except* StorageError as errors:
        raise errors.exceptions[0] from None
    taken = {step.id: running[step.id].result() for step in plan.steps}
    return _outcome(plan, document, taken)


async def _in_turn(
    plan: Plan,
    session: Session,
    document: Document,
    grounds: Grounds,
    step: StepPlan,
    running: Mapping[str, asyncio.Task[Taken]],
) -> Taken:
    before = {need: await running[need] for need in step.needs}
    halted = any(taken.halted for taken in before.values())
    if halted or not _wanted(step, before):
        return Taken(StepOutcome(status="skipped", sha256=step.sha256), halted=halted)
    begun = time.monotonic()
    text = _input(step, before, document)
    state, output, failure = await _asked(plan, session, document, step, before, text)
    schema = _schema(step, before)
    grounding = None
    if schema and failure is None:
        grounding = await _grounded(document, grounds, output, plan.tools[schema])
    doubt = ungrounded(step, grounding)
    outcome = StepOutcome(
        status=status(failure) if failure else "review" if doubt else "done",
        sha256=step.sha256,
        output=output,
        seconds=time.monotonic() - begun,
        error=told(step, failure) if failure else doubt,
        reason=reason(step, failure) if failure else doubt,
        truncated=_truncated(step, text),
        **_tally(session, document, step, state).model_dump(),
    )
    return Taken(outcome, state, schema, grounding, halted=failure is not None)


async def _grounded(
    document: Document, grounds: Grounds, record: dict[str, Any], tool: ToolSchema
) -> Grounding:
    """Hold a record against its document, whatever the step read; a long one in a thread."""
    if len(document.text) <= LONGEST_ON_LOOP_BYTES:
        return grounds.of(record, tool.marked)
    return await asyncio.to_thread(grounds.of, record, tool.marked)


async def _asked(
    plan: Plan, session: Session, document: Document, step: StepPlan, before: Before, text: str
) -> tuple[State[Any] | None, Any, Exception | None]:
    """Ask for a step's completion; gives its task run's state, what it says, and what failed."""
    state: State[Any] | None = None
    try:
        tool = _tool(plan, step, before)
        body = _request(plan, step, tool, text)
        _bound(body, plan)
        edges = [opaque(taken.state) for taken in before.values() if taken.state]
        session.task_runs += 1
        state = await complete(  # type: ignore[misc]  # Prefect declares the state of an async task as its own
            quote(body),
            step=step.id,
            document=document.document_id,
            schema=unsent_schema(plan.target, tool),
            return_state=True,
            wait_for=edges,
        )
        session.check_storage()
        return state, _read(step, await state.result()), None
    except StorageError:
        raise
    except Exception as failure:  # noqa: BLE001  whatever it is, the document has an outcome
        return state, None, failure


def _wanted(step: StepPlan, before: Before) -> bool:
    """Say whether the labels before want the step, and whether there is what it reads."""
    options = step.options
    for step_id, labels in options.when.items():
        if before[step_id].outcome.output not in ((labels,) if isinstance(labels, str) else labels):
            return False
    if options.input != DOCUMENT and before[options.input].outcome.status == "skipped":
        return False
    return not isinstance(options, Extract) or _schema(step, before) is not None


def _schema(step: StepPlan, before: Before) -> str | None:
    """Choose the extract schema, as declared: the step's own, or the label's."""
    options = step.options
    if not isinstance(options, Extract):
        return None
    return options.schemas.get(before[options.by].outcome.output) if options.by else options.schema_


def _input(step: StepPlan, before: Before, document: Document) -> str:
    if step.options.input == DOCUMENT:
        return document.text
    output = before[step.options.input].outcome.output
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)


def _tool(plan: Plan, step: StepPlan, before: Before) -> ToolSchema | None:
    """Give the tool schema that a step's answer satisfies; None for free text."""
    match step.options:
        case Classify() as options:
            return classify.tool(options)
        case Extract():
            return plan.tools[_schema(step, before) or ""]  # _wanted has seen that there is one
        case Ask() as options if options.schema_:
            return plan.tools[options.schema_]
    return None


def _request(plan: Plan, step: StepPlan, tool: ToolSchema | None, text: str) -> bytes:
    match step.options:
        case Summarize() as options:
            return summarize.request(text, options, plan.target)
        case Classify() as options:
            return classify.request(text, options, plan.target)
        case Ask() as options:
            return ask.request(text, tool, options, plan.target)
        case Extract() as options:
            assert tool is not None
            return extract.request(text, tool, options, plan.target)
    raise AssertionError(step.kind)


def _read(step: StepPlan, completion: str) -> Any:
    read = Completion.model_validate_json(completion)
    if isinstance(step.options, Ask):
        return ask.read(read, step.options)
    return {"summarize": summarize.read, "classify": classify.read, "extract": extract.read}[step.kind](read)


def _bound(body: bytes, plan: Plan) -> None:
    """Refuse what the endpoint's context cannot hold, before it is sent: nothing is cut silently."""
    limit = plan.target.endpoint.context_tokens
    if len(body) // BYTES_PER_TOKEN + plan.target.endpoint.max_output_tokens <= limit:
        return  # the rule for nearly all: the whole body is longer than its messages
    request = json.loads(body)
    messages = sum(len(str(message["content"]).encode()) for message in request["messages"])
    needed = messages // BYTES_PER_TOKEN + request["max_tokens"]
    if needed > limit:
        raise Unreadable(
            f"too long: about {needed:,} tokens with the reply, and the endpoint takes {limit:,}. "
            "Split the document, give the step max_input_tokens, or use a model with a larger context"
        )


def _truncated(step: StepPlan, text: str) -> bool:
    limit = step.options.max_input_tokens
    return limit is not None and len(text.encode()) > limit * BYTES_PER_TOKEN


def _tally(session: Session, document: Document, step: StepPlan, state: State[Any] | None) -> Tally:
    tally = session.settle((document.document_id, step.id))
    return tally + Tally(cached_calls=1) if state is not None and state.name == "Cached" else tally


def _outcome(plan: Plan, document: Document, taken: Before) -> Outcome:
    steps = {step_id: each.outcome for step_id, each in taken.items()}
    found = {step.status for step in steps.values()}
    worst = next((each for each in WORST_FIRST if each in found), "done")
    failed = next((step for step in steps.values() if step.status == worst and step.error), None)
    # What a kind has last, in the order written.
    last = {step.kind: taken[step.id] for step in plan.steps if steps[step.id].output is not None}
    outputs = {kind: each.outcome.output for kind, each in last.items()}
    grounding = last["extract"].grounding if "extract" in last else None
    records = {
        each.schema: each.outcome.output
        for each in taken.values()
        if each.schema is not None and each.outcome.status == "done"
    }
    return Outcome(
        document_id=document.document_id,
        uri=document.uri,
        content_sha256=document.content_sha256,
        status=worst,
        summary=outputs.get("summarize"),
        label=outputs.get("classify"),
        record=outputs.get("extract"),
        evidence=grounding.evidence if grounding else None,
        steps=steps,
        truncated=any(step.truncated for step in steps.values()),
        error=failed.error if failed else None,
        reason=failed.reason if failed else None,
        typed=records if worst == "done" else {},
        **sum((step.tally() for step in steps.values()), Tally()).model_dump(),
    )
