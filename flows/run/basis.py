"""What records of one document are held against: its text, its tables, and the facts that rules name."""

from collections.abc import Mapping
from typing import Any

from docmill.flows.pipeline.chosen import rules_of
from docmill.flows.pipeline.plan import StepPlan
from docmill.schemas.document import Document
from docmill.schemas.rule import BrokenRule
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.completeness.groups import Tables
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.rules.language import broken_rules, facts_named
from docmill.tasks.steps.kind import kind

ALWAYS = ("id", "uri")  # which are in every outcome


class Basis:
    """One document: its text, made ready for searches, its tables, and what its steps put out so far."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.grounds = Grounds(document.text, document.page_starts, document.recognized, document.first_page)
        self.tables = Tables(document.text)
        self.outputs: dict[str, Any] = {}

    def facts(self, step: StepPlan) -> dict[str, Any]:
        """Give what rules of a step may say of the document; null is what it does not have."""
        return {
            "id": self.document.document_id,
            "uri": self.document.uri,
            "pages": len(self.document.page_starts) or None,
            "label": self.outputs.get(step.labelled_by) if step.labelled_by else None,
        }


def broken_by(
    basis: Basis, step: StepPlan, record: dict[str, Any], tool: ToolSchema
) -> tuple[BrokenRule, ...]:
    """List the rules of a step and its schema that a record breaks."""
    rules = rules_of(kind(step.kind), step.options, tool)
    return tuple(broken_rules(rules, tool.parameters, record, basis.facts(step))) if rules else ()


def facts_of_rules(basis: Basis, step: StepPlan, tool: ToolSchema) -> Mapping[str, Any] | None:
    """Give the facts that a step's rules name beside those that are in every outcome; None for none."""
    rules = rules_of(kind(step.kind), step.options, tool)
    named = facts_named(rules, tool.parameters).difference(ALWAYS)
    return {name: value for name, value in basis.facts(step).items() if name in named} or None
