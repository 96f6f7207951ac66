"""A document under review: its records with the decisions carried into them, and what is open still."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.chosen import is_asked_otherwise
from docmill.flows.pipeline.graph import steps
from docmill.flows.review.carried import Carried, Standing, standing
from docmill.flows.review.doubts import broken_doubts, record_step, stored_doubts
from docmill.flows.review.step_records import Row, StepRecord, step_records
from docmill.schemas.decision import (
    LABEL,
    MISSING,
    OF_VALUES,
    RECORD,
    RULE,
    UNREAD,
    VALUE,
    Decision,
    Doubt,
    OpenPoint,
)
from docmill.tasks.checks.faults import place
from docmill.tasks.checks.pointers import ABSENT, path_in, pointer, value_at

MOST_QUOTED = 20


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

    @cached_property
    def undecided_labels(self) -> tuple[OpenPoint, ...]:
        """The labels that nobody has decided, but for those that are open: no point of theirs has to be."""
        open_ = {each.step for each in self.points}
        return tuple(
            self._open(step, Doubt(path="", about=VALUE, wrong="the label that the step chose"), found.record)
            for step, found in self.records.items()
            if found.is_label and step not in open_ and not self._is_decided(step)
        )

    @cached_property
    def asked_anew(self) -> tuple[str, ...]:
        """The steps that a decided label has asked otherwise than the run did."""
        before = {step: told["output"] for step, told in self.row["steps"].items()}
        after = before | {step: found.record for step, found in self.records.items() if found.is_label}
        if after == before:
            return ()
        every = steps(self.declared.pipeline).items()
        return tuple(
            step for step, (_, acts, options) in every if is_asked_otherwise(acts, options, before, after)
        )

    @property
    def end(self) -> str | None:
        """What it comes to where nothing of it is open: rejected, for the next run, or done."""
        if self.holding.rejected:
            return "rejected"
        if self.asked_anew:
            return "for the next run"
        return None if self.points else "done"

    def is_of(self, decisions: Sequence[Decision]) -> bool:
        """Say whether these are the document's decisions still."""
        return self.decisions == _on_content(self.row, decisions)

    def named(self, step: str, of: Doubt | Decision) -> str:
        """Name a point as people do: by its path, or by what it is about."""
        if step in self.records and self.records[step].is_label and of.about in OF_VALUES:
            return f"{step}:{LABEL}"
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
        if found is None:  # a step that the pipeline no longer has
            yield from (self._open(step, each, None) for each in doubts)
            return
        if found.is_changed:  # the rules are another record's
            others = [each for each in doubts if not each.about.startswith(f"{RULE} ")]
            doubts = (*others, *broken_doubts(found.broken))
        every = {(each.path, each.about): each for each in doubts}
        for doubt in every.values():
            if not found.carried.covers(doubt):
                yield self._open(step, doubt, found.record)

    def _is_decided(self, step: str) -> bool:
        return any(each.about in OF_VALUES for each in self.holding.of(step))

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
    records = {found.step: found for found in step_records(row, every, carrying, declared)}
    return Case(row, declared, stored, tuple(new), holding, records, unread)


def _on_content(row: Row, decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    return tuple(each for each in decisions if each.content_sha256 == row["content_sha256"])


def _leads_to(record: Any, named: str, wanted: str) -> bool:
    try:
        return pointer(path_in(record, named)) == wanted
    except ValueError:
        return False
