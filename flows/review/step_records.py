"""The records and labels of a document's steps, with the decisions carried into them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.chosen import chosen_schema, rules_of
from docmill.flows.pipeline.graph import labelled_by, steps
from docmill.flows.review.carried import Carried, Standing, carried, decided_label
from docmill.schemas.decision import Decision
from docmill.schemas.rule import BrokenRule, Rule
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.faults import Path, faults
from docmill.tasks.checks.rules.language import broken_rules, judged
from docmill.tasks.checks.validation import validator

if TYPE_CHECKING:  # jsonschema takes its time to import
    from jsonschema.protocols import Validator

Row = Mapping[str, Any]


@dataclass(frozen=True)
class StepRecord:
    """A step's record, or its label: as the run gave it, and as it stands.

    `schema` is the declared name of its tool, '' of a label's, which takes the declared labels alone. `about`
    are the facts of the document that its rules may name, and `told` these as the run had them.
    """

    step: str
    run: Any
    carried: Carried
    tool: ToolSchema
    schema: str
    rules: tuple[Rule, ...]
    typed: bool
    about: Row
    told: Row

    @property
    def is_changed(self) -> bool:
        """Whether people have changed what its rules speak of: the record, or the document's label."""
        return self.record is not self.run or self.about != self.told

    @property
    def record(self) -> Any:
        """The record as it stands."""
        return self.carried.record

    @property
    def is_label(self) -> bool:
        """Whether it is a label."""
        return isinstance(self.run, str)

    @cached_property
    def broken(self) -> list[BrokenRule]:
        """The rules that it breaks as it stands."""
        return broken_rules(self.rules, self.tool.parameters, self.record, self.about) if self.rules else []

    def judged(self, name: str) -> Any:
        """Give the fields of the record that a rule is about; None where there is no such rule."""
        rule = next((each for each in self.rules if each.name == name), None)
        return rule and judged(rule, self.tool.parameters, self.record)

    @cached_property
    def faults(self) -> list[tuple[Path, str]]:
        """What the tool schema has against it."""
        return faults(validator(self.tool.parameters), self.record)


def step_records(
    row: Row, every: tuple[Decision, ...], holding: Standing, declared: CheckedPipeline
) -> Iterator[StepRecord]:
    """Give the record or the label of each step that has one, of those that the pipeline still has."""
    outputs = {step: told["output"] for step, told in row["steps"].items()}
    now = dict(_labels(outputs, every, holding, declared))
    for step, (_, acts, options) in steps(declared.pipeline).items():
        output, labels, told = outputs.get(step), acts.labels(options), _told(row, step)
        about = _about(told, step, now, declared)
        if labels is not None and isinstance(output, str):
            yield StepRecord(step, output, now[step], _one_of(step, labels), "", (), False, about, told)
        schema = chosen_schema(acts, options, outputs)
        if schema is None or not isinstance(output, dict):
            continue
        tool = declared.tools[schema]
        decided = carried(output, holding.of(step), every, _takes(tool, output))
        rules = rules_of(acts, options, tool)
        yield StepRecord(
            step, output, decided, tool, schema, rules, step in declared.with_tables, about, told
        )


def _labels(
    outputs: Row, every: tuple[Decision, ...], holding: Standing, declared: CheckedPipeline
) -> Iterator[tuple[str, Carried]]:
    """Give each label as people decided it."""
    for step, (_, acts, options) in steps(declared.pipeline).items():
        labels = acts.labels(options)
        if labels is not None and isinstance(outputs.get(step), str):
            yield step, decided_label(outputs[step], holding.of(step), every, labels)


def _told(row: Row, step: str) -> Row:
    """Give the facts of the document that a step's rules may name, as the run had them."""
    return {"id": row["document_id"], "uri": row["uri"], **(row["steps"].get(step, {}).get("about") or {})}


def _about(told: Row, step: str, labels: Mapping[str, Carried], declared: CheckedPipeline) -> Row:
    """Give these facts with the label that people decided."""
    chosen = labelled_by(declared.pipeline, step) if "label" in told else None
    return {**told, "label": labels[chosen].record} if chosen and chosen in labels else told


def _one_of(step: str, labels: Collection[str]) -> ToolSchema:
    return ToolSchema(id=step, name=step, description="The label", parameters={"enum": list(labels)})


def _takes(tool: ToolSchema, run: Any) -> Callable[[Any], bool]:
    """Give the function that says whether a schema has no more against a record than against the run's."""

    @cache
    def checked() -> "Validator":
        return validator(tool.parameters)

    @cache
    def known() -> list[tuple[Path, str]]:
        return faults(checked(), run)

    def takes(record: Any) -> bool:
        return all(each in known() for each in faults(checked(), record))

    return takes
