"""What decisions make of an outcome: done once nothing is open, no longer waiting once it is rejected."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docmill.flows.review.carried import rejection, same
from docmill.flows.review.case import Case
from docmill.flows.review.deciding import Person, Said, decide, undone
from docmill.flows.review.doubts import label_step
from docmill.flows.review.step_records import StepRecord
from docmill.schemas.decision import Decision
from docmill.schemas.errors import ConfigError
from docmill.schemas.outcome import Outcome
from docmill.tasks.checks.evidence.search import sought
from docmill.tasks.checks.evidence.values import values
from docmill.tasks.checks.faults import place
from docmill.tasks.checks.pointers import nodes
from docmill.tasks.sinks.decisions import Deciding

Row = Mapping[str, Any]
NOWHERE = dict.fromkeys(("page", "start", "end", "quote"))


@dataclass(frozen=True)
class Decided:
    """What came of a decision: the case as it is then, and how many decisions were kept."""

    case: Case
    kept: int
    status: str

    @property
    def is_waiting(self) -> bool:
        """Say whether it waits for a person still."""
        return self.status == "review" and self.case.holding.rejected is None


@dataclass(frozen=True)
class Ready:
    """What a decision on a document comes to, computed and not written yet; nothing where none was `made`."""

    before: Case
    made: Sequence[Decision]
    now: Case
    changed: Row
    filling: Outcome | None

    def stands(self, transaction: Deciding) -> bool:
        """Say whether the outcome and its decisions are still what it was computed of; holds the document."""
        document, row = self.before.document_id, dict(transaction.outcome(self.before.document_id))
        return row == dict(self.before.row) and self.before.is_of(transaction.decisions(document))

    def carry_out(self, transaction: Deciding) -> Decided:
        """Write it."""
        if not self.made:
            return Decided(self.before, 0, self.before.row["status"])
        transaction.keep(self.made)
        transaction.change(self.now.document_id, self.changed)
        if self.now.holding.rejected:
            transaction.empty(self.now.document_id, self.now.row["content_sha256"])
        elif self.filling:
            transaction.fill(self.filling, self.now.row["run_id"])
        return Decided(self.now, len(self.made), self.changed["status"])


def ready(before: Case, said: Sequence[Said], person: Person) -> Ready:
    """Make the decisions that a person's words are, and what becomes of the outcome by them."""
    return _ready(before, decide(before, said, person), person.at)


def taken_back(before: Case, last: Decision, person: Person) -> Ready:
    """Take a decision back, whose document is not done yet."""
    row = before.row
    if row["status"] != "review" or row["reviewed_at"] is not None:
        is_ = "rejected" if row["status"] == "review" else row["status"]
        raise ConfigError(f"{last.document_id} is {is_} by now: correct it instead")
    return _ready(before, [undone(last, person)], person.at)


def _ready(before: Case, made: list[Decision], at: datetime) -> Ready:
    if not made:
        return Ready(before, (), before, {}, None)
    now = before.with_decisions(made)
    changed = settled(now, at)
    done = changed["status"] == "done" and not now.holding.rejected
    return Ready(before, made, now, changed, _filling(now) if done else None)


def settled(now: Case, at: datetime) -> Row:
    """Give the columns of a document's outcome that a decision changes."""
    if now.holding.rejected:
        waits_no_longer = {"status": "review", "reviewed_at": at, "updated_at": at}
        return waits_no_longer | {"error": rejection(now.holding.rejected)}
    if now.asked_anew:
        return {**_for_the_next_run(now), "reviewed_at": None, "updated_at": at}
    if now.points:
        waits = {"status": "review", "reviewed_at": None, "updated_at": at}
        taken_up = now.row["reviewed_at"] is not None  # it was rejected, or done
        return waits | ({"error": f"open: {', '.join(each.name for each in now.points)}"} if taken_up else {})
    steps = {step: _step(told, now.records.get(step)) for step, told in now.row["steps"].items()}
    changed: dict[str, Any] = {
        "status": "done",
        "error": None,
        "reviewed_at": at,
        "updated_at": at,
        "steps": steps,
    }
    if label := now.records.get(label_step(now.row) or ""):
        changed |= {"label": label.record}
    if main := now.records.get(now.main):
        changed |= {"record": main.record} | _held(now.row, main)
    return changed


def _for_the_next_run(now: Case) -> Row:
    """Give the columns of a document whose decided label asks other steps, or these of other schemas.

    What those were asked before is no answer of the document's any more.
    """
    deferred = {"status": "deferred", "output": None}
    steps = {
        step: {**_decided(told, now.records.get(step)), **(deferred if step in now.asked_anew else {})}
        for step, told in now.row["steps"].items()
    }
    labels = [each for each in now.records.values() if each.is_label and each.record is not each.run]
    said = ", ".join(f"{each.step} is decided as {each.record}" for each in labels)
    changed: dict[str, Any] = {
        "status": "deferred",
        "steps": steps,
        "error": f"{said}: the next run goes on by it",
    }
    if label := now.records.get(label_step(now.row) or ""):
        changed |= {"label": label.record}
    if now.main in now.asked_anew:
        changed |= dict.fromkeys(("record", "evidence", "missing", "broken_rules"))
    return changed


def _step(told: Row, found: StepRecord | None) -> Row:
    kept = {name: value for name, value in _decided(told, found).items() if name != "doubts"}
    return {**kept, "status": "done" if told["status"] == "review" else told["status"]}


def _decided(told: Row, found: StepRecord | None) -> Row:
    """Give a step with what was decided of its output."""
    if not found or found.record is found.run:
        return told
    # Of one that is done, the first: a correction is no run's.
    given = found.run if told.get("given") is None else told["given"]
    return {**told, "output": found.record, "given": given}


def _held(row: Row, main: StepRecord) -> dict[str, Any]:
    """Give what is known of a record as it stands: what a person corrected has no evidence."""
    if not main.is_changed:
        return {}
    broken = [each.model_dump() for each in main.broken]
    return {"evidence": list(_evidence(row, main)), "broken_rules": broken}


def _evidence(row: Row, main: StepRecord) -> Iterator[dict[str, Any]]:
    known: dict[str, dict[str, Any]] = {each["path"]: each for each in row["evidence"] or ()}
    given = {place(path): value for path, value in nodes(main.run)}
    for value in values(main.record, main.tool.marked):
        if sought(value):
            at = place(value.path)
            stays = at in known and at in given and same(given[at], value.value)
            yield known[at] if stays else {"path": at, **NOWHERE}


def _filling(now: Case) -> Outcome:
    """Give what fills the typed rows of a document that is done."""
    typed = {
        each.schema: each.record
        for each in now.records.values()
        if each.typed and now.row["steps"][each.step]["status"] in ("review", "done")
    }
    return Outcome(
        document_id=now.document_id,
        uri=now.row["uri"],
        content_sha256=now.row["content_sha256"],
        status="done",
        typed=typed,
    )
