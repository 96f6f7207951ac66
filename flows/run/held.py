"""A record held against its document: where its values stand, and which rows stand for none of its items."""

from dataclasses import dataclass
from typing import Any

from docmill.flows.pipeline.plan import StepPlan
from docmill.schemas.document import Document
from docmill.schemas.pipeline import DOCUMENT
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.completeness.missing import Completeness, completeness
from docmill.tasks.checks.evidence.grounding import Grounding, Grounds
from docmill.tasks.steps.kind import kind
from docmill.tasks.steps.prompt import beginning


@dataclass(frozen=True)
class Held:
    """A record with its evidence, and what is missing of it where its step asks for that."""

    record: Any
    grounding: Grounding | None = None
    completeness: Completeness | None = None

    def is_better(self, other: "Held") -> bool:
        """Say whether it leaves out less than another, and has no more that the document does not."""
        assert self.grounding
        assert self.completeness
        assert other.grounding
        assert other.completeness
        return (
            sum(self.completeness.missing.values()) < sum(other.completeness.missing.values())
            and sum(self.completeness.repeated.values()) <= sum(other.completeness.repeated.values())
            and len(self.grounding.missing) <= len(other.grounding.missing)
        )


def held(grounds: Grounds, document: Document, step: StepPlan, record: Any, tool: ToolSchema) -> Held:
    """Hold a record against the document; rows beyond what its step read are not missing."""
    grounding = grounds.of(record, tool.marked)
    if not kind(step.kind).is_complete(step.options):
        return Held(record, grounding)
    limit = step.options.max_input_tokens if step.options.input == DOCUMENT else None
    until = None if limit is None else len(beginning(document.text, limit))
    return Held(record, grounding, completeness(grounds, record, tool.marked, until))
