"""What people decided about a document before, carried into what its steps have come to now."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from docmill.flows.pipeline.chosen import chosen_schema
from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.review.carried import Carried, Standing, carried, same, standing
from docmill.flows.run.failures import doubted
from docmill.flows.run.held import Held, held_anew, parts_held_anew
from docmill.flows.run.step import DocumentRun, StepResult
from docmill.schemas.decision import UNREAD, Decision, Doubt
from docmill.schemas.document import Unread
from docmill.schemas.outcome import GOOD
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.validation import validator
from docmill.tasks.steps.kind import kind


@dataclass(frozen=True)
class Decided:
    """A document's steps with what was decided before; `unread` is what nobody has accepted yet.

    `at` is when the last decision that holds was made, and `rejected` the one that ends the document.
    """

    results: Mapping[str, StepResult]
    unread: Sequence[Unread]
    at: datetime | None = None
    rejected: Decision | None = None


async def decided(of: DocumentRun) -> Decided:
    """Carry the decisions on this content of a document into its steps' records, which are held anew.

    Its labels are as people decided them already.
    """
    results, holding = of.results(), standing(of.decisions)
    if not holding.decisions and not holding.rejected:
        return Decided(results, of.document.unread)
    return await asyncio.to_thread(_decided, of, holding, results)


def _decided(of: DocumentRun, holding: Standing, results: dict[str, StepResult]) -> Decided:
    outputs = {step: result.outcome.output for step, result in results.items()}
    held_ones: list[Decision] = []
    for step in of.plan.steps:
        schema = chosen_schema(kind(step.kind), step.options, outputs)
        result = results[step.id]
        if kind(step.kind).labels(step.options) is not None:
            held_ones += [each for each in holding.of(step.id) if same(each.after, outputs[step.id])]
        if schema is None or result.outcome.status not in GOOD or not holding.of(step.id):
            continue
        tool = of.plan.tools[schema]
        found = carried(
            outputs[step.id], holding.of(step.id), of.decisions, validator(tool.parameters).is_valid
        )
        results[step.id] = _with(of, step, tool, result, found)
        held_ones += found.held
    accepted = {each.about for each in holding.of("")}
    unread = [each for each in of.document.unread if f"{UNREAD} {each.part}" not in accepted]
    held_ones += [each for each in holding.of("") if each.about.startswith(UNREAD)]
    at = holding.rejected.at if holding.rejected else max((each.at for each in held_ones), default=None)
    return Decided(results, unread, at, holding.rejected)


def _with(
    of: DocumentRun, step: StepPlan, tool: ToolSchema, result: StepResult, found: Carried
) -> StepResult:
    """Give a step's result with the decided values, and with what nobody has decided of it."""
    now = result.held
    assert now is not None
    if found.record is not now.record:
        hold = parts_held_anew if now.in_parts else held_anew
        now = replace(hold(of.basis, step, found.record, tool, now), split=now.split)
    open_ = tuple(each for each in now.doubts() if not found.covers(each))
    left = [*open_, *found.changed]
    said = _said(step, now.only(open_), found.changed)
    outcome = result.outcome.model_copy(
        update={
            "status": "review" if left else "done",
            "output": found.record,
            "given": None if found.record is result.outcome.output else result.outcome.output,
            "doubts": tuple(left) or None,
            "error": said if left else None,
            "reason": said if left else None,
        }
    )
    return replace(result, outcome=outcome, held=now)


def _said(step: StepPlan, open_: Held, changed: Sequence[Doubt]) -> str:
    """Say what is left to decide, without values: logs and events show it."""
    doubts = doubted(step, open_)
    if not changed:
        return doubts or ""
    many = "1 value that was" if len(changed) == 1 else f"{len(changed)} values that were"
    told = f"gives other than {many} decided in review"
    return f"{doubts}; {told}" if doubts else f"{step.id}: {told}"
