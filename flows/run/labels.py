"""The label of a step as people decided it before: the steps after it go by that."""

from collections.abc import Sequence

from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.review.carried import decided_label, standing
from docmill.schemas.decision import Decision
from docmill.schemas.outcome import GOOD, StepOutcome
from docmill.tasks.steps.kind import kind


def as_decided(step: StepPlan, outcome: StepOutcome, decisions: Sequence[Decision]) -> StepOutcome:
    """Carry the decisions on a document's content into its step's label; of another step nothing changes."""
    labels = kind(step.kind).labels(step.options)
    if not decisions or labels is None or outcome.status not in GOOD:
        return outcome
    holding = standing(decisions)
    if not holding.of(step.id):
        return outcome
    found = decided_label(outcome.output, holding.of(step.id), decisions, labels)
    open_ = [each for each in outcome.doubts or () if not found.covers(each)]
    said = outcome.error if open_ else None
    if found.changed:
        said = f"{step.id}: gives another label than the one decided in review"
    return outcome.model_copy(
        update={
            "status": "review" if said else "done",
            "output": found.record,
            "given": None if found.record == outcome.output else outcome.output,
            "doubts": (*open_, *found.changed) or None,
            "error": said,
            "reason": said,
        }
    )
