"""What a step of a document reads, once the steps before it have their outcomes."""

import json
from collections.abc import Mapping
from dataclasses import replace

from docmill.flows.pipeline import chosen
from docmill.flows.pipeline.plan import StepPlan
from docmill.schemas.document import Document
from docmill.schemas.outcome import StepOutcome
from docmill.schemas.steps import DOCUMENT
from docmill.tasks.steps.examples import apart
from docmill.tasks.steps.kind import kind

Before = Mapping[str, StepOutcome]


def schema_of(step: StepPlan, before: Before) -> str | None:
    """Choose the step's tool schema, by a label where one chooses."""
    outputs = {name: outcome.output for name, outcome in before.items()}
    return chosen.chosen_schema(kind(step.kind), step.options, outputs)


def is_wanted(step: StepPlan, schema: str | None, before: Before) -> bool:
    """Say whether the labels before want the step, and whether there is what it reads."""
    options = step.options
    if not chosen.is_wanted(options, {name: outcome.output for name, outcome in before.items()}):
        return False
    if options.input != DOCUMENT and before[options.input].status == "skipped":
        return False
    return schema is not None or not kind(step.kind).typed


def with_others_examples(step: StepPlan, text: str) -> StepPlan:
    """Leave the text that a step reads out of its examples."""
    examples = step.options.examples
    if not examples or isinstance(examples, str):
        return step
    return replace(step, options=step.options.model_copy(update={"examples": apart(examples, text)}))


def input_of(step: StepPlan, before: Before, document: Document) -> str:
    """Give the text that the step reads: the document's, or what another step put out."""
    if step.options.input == DOCUMENT:
        return document.text
    output = before[step.options.input].output
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
