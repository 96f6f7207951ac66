"""A document under review: its records with the decisions carried into them, and what is open still."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.chosen import chosen_schema, rules_of
from docmill.flows.pipeline.graph import steps
from docmill.flows.review.carried import Carried, Standing, carried, labelled, standing
from docmill.flows.review.doubts import broken_doubts, record_step, stored_doubts
from docmill.schemas.decision import MISSING, OF_VALUES, RECORD, RULE, UNREAD, Decision, Doubt, OpenPoint
from docmill.schemas.rule import BrokenRule, Rule
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.faults import Path, faults, place
from docmill.tasks.checks.pointers import ABSENT, path_in, pointer, value_at
from docmill.tasks.checks.rules.language import broken_rules, judged
from docmill.tasks.checks.validation import validator

if TYPE_CHECKING:  # jsonschema takes its time to import
    from jsonschema.protocols import Validator

Row = Mapping[str, Any]
MOST_QUOTED = 20


@dataclass(frozen=True)
class StepRecord:
    """A step's record: as the run gave it, and as it stands; `schema` is its tool's declared name."""

    step: str
    run: Any
    carried: Carried
    tool: ToolSchema
    schema: str
    rules: tuple[Rule, ...]
    typed: bool
    about: Mapping[str, str]

    @property
    def record(self) -> Any:
        """The record as it stands."""
        return self.carried.record

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


@dataclass(frozen=True)
class Case:
    """One document, its decisions and what is open of it; made anew where a decision is added."""

    row: Row
    declared: CheckedPipeline
    decisions: tuple[Decision, ...]
    new: tuple[Decision, ...]
    holding: Standing
    records: Mapping[str, StepRecord]
    unread: tuple[Doubt, ...]

    @property
    def document_id(self) -> str:
        """Whose case it is."""
        return str(self.row["document_id"])

    @property
    def main(self) -> str:
        """Name the step whose record is the outcome's; '' where there is none."""
        return record_step(self.row) or ""

    @cached_property
    def points(self) -> tuple[OpenPoint, ...]:
        """What is open, in the order of the steps; parts that could not be read come last."""
        found = [point for step in self.row["steps"] for point in self._points(step)]
        of_document = Carried(None, tuple(self.holding.of("")))
        open_ = [doubt for doubt in self.unread if not of_document.covers(doubt)]
        if self.row["status"] == "review" and not (found or open_ or self.new):
            open_ = [Doubt(path="", about=RECORD, wrong=self.row["error"] or "in review")]
        return (*found, *(OpenPoint(step="", name=each.about, **each.model_dump()) for each in open_))

    @property
    def end(self) -> str | None:
        """What it comes to where nothing of it is open: rejected, or done."""
        if self.holding.rejected:
            return "rejected"
        return None if self.points else "done"

    def is_of(self, decisions: Sequence[Decision]) -> bool:
        """Say whether these are the document's decisions still."""
        return self.decisions == _on_content(self.row, decisions)

    def named(self, step: str, of: Doubt | Decision) -> str:
        """Name a point as people do: by its path, or by what it is about."""
        said = of.path if of.about in OF_VALUES and of.path else of.about
        return said if step in ("", self.main) else f"{step}:{said}"

    def field_of(self, point: OpenPoint) -> str:
        """Name the record's field that a point is about as the report does; '' for the whole."""
        found = self.records.get(point.step)
        try:
            return place(path_in(found.record, point.path)) if found else ""
        except ValueError:
            return ""

    def with_decisions(self, new: Iterable[Decision]) -> "Case":
        """Give the case as it is with more decisions."""
        return case(self.row, self.decisions, self.declared, (*self.new, *new))

    def _points(self, step: str) -> Iterator[OpenPoint]:
        found, doubts = self.records.get(step), stored_doubts(self.row, step)
        if found is None:
            label = labelled(self.row["steps"][step]["output"], self.holding, step)
            yield from (self._open(step, each, label.record) for each in doubts if not label.covers(each))
            return
        if found.record is not found.run:  # the rules are another record's
            others = [each for each in doubts if not each.about.startswith(f"{RULE} ")]
            doubts = (*others, *broken_doubts(found.broken))
        every = {(each.path, each.about): each for each in doubts}
        for doubt in every.values():
            if not found.carried.covers(doubt):
                yield self._open(step, doubt, found.record)

    def _open(self, step: str, doubt: Doubt, record: Any) -> OpenPoint:
        value = self._value(step, doubt, record)
        told = {"step": step, "name": self.named(step, doubt), "value": value, "quote": self._quote(doubt)}
        return OpenPoint(**doubt.model_dump(), **told)

    def _value(self, step: str, doubt: Doubt, record: Any) -> Any:
        if doubt.about.startswith(f"{RULE} ") and step in self.records:
            return self.records[step].judged(doubt.about.removeprefix(f"{RULE} "))
        if doubt.about not in OF_VALUES:
            return None
        try:
            found = value_at(record, path_in(record, doubt.path))
        except ValueError:
            return None
        return None if found is ABSENT else found

    def _quote(self, doubt: Doubt) -> str | None:
        """Quote the rows that stand for no item."""
        if doubt.about != MISSING:
            return None
        quotes = [row["quote"] for row in left_out(self.row, doubt)]
        more = f"… and {len(quotes) - MOST_QUOTED:,} more"
        return "\n".join([*quotes[:MOST_QUOTED], *([more] if len(quotes) > MOST_QUOTED else [])]) or None


def left_out(row: Row, doubt: Doubt) -> list[Row]:
    """Give the rows of the document that stand for no item of a doubt's array."""
    record = row["record"]
    return [each for each in row.get("missing") or () if _leads_to(record, each["path"], doubt.path)]


def case(
    row: Row, decisions: Sequence[Decision], declared: CheckedPipeline, new: Sequence[Decision] = ()
) -> Case:
    """Make the case of an outcome's row and the decisions on its document; `new` ones are not kept yet."""
    stored = _on_content(row, decisions)
    every = (*stored, *new)
    holding, is_done = standing(every), row["status"] == "done"
    # The record of a document that is done holds what was decided; of others, what the run gave.
    carrying = standing(new) if is_done else holding
    parts = () if is_done or declared.pipeline.unread == "allow" else row.get("unread") or ()
    unread = tuple(Doubt(path="", about=f"{UNREAD} {each['part']}", wrong=each["why"]) for each in parts)
    records = {found.step: found for found in _records(row, every, carrying, declared)}
    return Case(row, declared, stored, tuple(new), holding, records, unread)


def _on_content(row: Row, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    return tuple(each for each in decisions if each.content_sha256 == row["content_sha256"])


def _records(
    row: Row, every: tuple[Decision, ...], holding: Standing, declared: CheckedPipeline
) -> Iterator[StepRecord]:
    """Give the record of each step that has one, of those that the pipeline still has."""
    outputs = {step: told["output"] for step, told in row["steps"].items()}
    about = {"id": row["document_id"], "uri": row["uri"]}
    for step, (_, acts, options) in steps(declared.pipeline).items():
        schema = chosen_schema(acts, options, outputs)
        if schema is None or not isinstance(outputs.get(step), dict):
            continue
        tool = declared.tools[schema]
        decided = carried(outputs[step], holding.of(step), every, _takes(tool, outputs[step]))
        rules = rules_of(acts, options, tool)
        yield StepRecord(step, outputs[step], decided, tool, schema, rules, acts.typed, about)


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


def _leads_to(record: Any, named: str, wanted: str) -> bool:
    try:
        return pointer(path_in(record, named)) == wanted
    except ValueError:
        return False
