"""A record held against its document: where its values stand, and which rows stand for none of its items."""

from dataclasses import dataclass
from typing import Any

from docmill.flows.pipeline.plan import StepPlan
from docmill.schemas.document import Document
from docmill.schemas.outcome import MissingRow
from docmill.schemas.rule import BrokenRule
from docmill.schemas.steps import DOCUMENT
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.completeness.missing import Completeness, completeness
from docmill.tasks.checks.evidence.grounding import Grounding, Grounds
from docmill.tasks.checks.rules.language import broken_rules
from docmill.tasks.steps.kind import kind
from docmill.tasks.steps.prompt import beginning


@dataclass(frozen=True)
class Held:
    """A record with its evidence, what is missing of it where its step asks for that, and broken rules."""

    record: Any
    grounding: Grounding | None = None
    completeness: Completeness | None = None
    broken: tuple[BrokenRule, ...] = ()

    @property
    def missing(self) -> tuple[MissingRow, ...]:
        """The rows of the document that stand for no item."""
        return self.completeness.rows if self.completeness else ()

    def is_better(self, other: "Held") -> bool:
        """Say whether it leaves out less or breaks less than another, and is worse in nothing."""
        mine, others = self._faults(), other._faults()
        return mine != others and all(left <= right for left, right in zip(mine, others, strict=True))

    def _faults(self) -> tuple[int, ...]:
        """Count rows left out, items that stand twice, values that are not in the document, broken rules."""
        found = self.completeness
        return (
            sum(found.missing.values()) if found else 0,
            sum(found.repeated.values()) if found else 0,
            len(self.grounding.missing) if self.grounding else 0,
            len(self.broken),
        )


def held(grounds: Grounds, document: Document, step: StepPlan, record: Any, tool: ToolSchema) -> Held:
    """Hold a record against the document and its rules; rows beyond what its step read are not missing."""
    acts, grounding = kind(step.kind), grounds.of(record, tool.marked)
    rules = (*tool.rules, *acts.rules(step.options))
    about = {"id": document.document_id, "uri": document.uri}
    broken = tuple(broken_rules(rules, tool.parameters, record, about)) if rules else ()
    if not acts.is_complete(step.options):
        return Held(record, grounding, broken=broken)
    limit = step.options.max_input_tokens if step.options.input == DOCUMENT else None
    until = None if limit is None else len(beginning(document.text, limit))
    return Held(record, grounding, completeness(grounds, record, tool.marked, until), broken)
