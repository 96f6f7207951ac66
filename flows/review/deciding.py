"""Deciding: what a person says becomes decisions, which are checked, kept and carried out at once."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docmill.flows.review.carried import array_part, same
from docmill.flows.review.case import Case, StepRecord
from docmill.schemas.decision import CHANGED, DOCUMENT, OF_VALUES, VALUE, Decision, OpenPoint, Verdict
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.faults import Path, faults, place
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.checks.pointers import ABSENT, is_within, path_in, pointer, value_at, with_value
from docmill.tasks.checks.validation import validator
from docmill.tasks.sinks.cells import meant, safe

STEP = re.compile(r"([a-z][a-z0-9_-]*):(.*)", re.DOTALL)
GOOD = ("review", "done")
MOST_TOLD = 5


class Refused(ConfigError):
    """What a person says cannot be decided so; `at` is which of what was said."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True)
class Said:
    """What a person says: of one point by its name, or of all that is open where it names none.

    `text` is the corrected value: JSON, else a text. `value` is what was seen; None asks nothing.
    """

    verdict: Verdict
    name: str | None = None
    text: str = ""
    note: str = ""
    seen: str | None = None


@dataclass(frozen=True)
class Person:
    """Who decides, and when."""

    by: str
    at: datetime


def decide(case: Case, said: Sequence[Said], person: Person) -> list[Decision]:
    """Make the decisions that a person's words are; those that were made already are left out.

    Raises Refused for what cannot be decided so: nothing of it is then kept. Corrections are held together
    against the schema and the rules: two may keep a rule that each of them alone would break.
    """
    if case.row["status"] not in GOOD:
        raise Refused(
            f"{case.document_id} is {case.row['status']}: only what is in review or done can be decided", 0
        )
    made: list[Decision] = []
    now, last = case, 0
    for at, each in enumerate(said):
        try:
            new = list(_decisions(now, each, person))
        except ConfigError as error:
            raise Refused(str(error), at) from None
        made += new
        now = now.with_decisions(new) if new else now
        last = at if each.verdict == "correct" else last
    if wrong := _wrong(case, now):
        raise Refused(f"{case.document_id}: refused: {'; '.join(wrong[:MOST_TOLD])}", last)
    return made


def _decisions(case: Case, said: Said, person: Person) -> Iterator[Decision]:
    if said.verdict == "reject":
        if case.holding.rejected is None:
            yield _about_document(case, said, person)
        return
    if said.verdict == "correct":
        yield from _correction(case, said, person)
        return
    if said.name is None:
        points: Sequence[OpenPoint] = case.points
    else:
        points = _points(case, said.name)
        if not points and not _is_accepted(case, said):
            raise ConfigError(f"{case.document_id}: {said.name!r} is not open{_open_names(case)}")
    for point in points:
        shown = meant(safe(written(point.value)))
        if said.seen and point.about in OF_VALUES and said.seen != shown:
            raise ConfigError(
                f"{case.document_id}: {point.name} is {shown!r}, and what was accepted is {said.seen!r}: "
                "export again"
            )
        yield _accepted(case, point, said, person)


def _accepted(case: Case, point: OpenPoint, said: Said, person: Person) -> Decision:
    found = case.records.get(point.step)
    before = after = found.record if found else None
    within = None
    if found is None and point.step:
        raise ConfigError(
            f"{case.document_id}: the pipeline no longer has the step {point.step}: run it again"
        )
    if found and point.about in OF_VALUES:
        before, after = (point.offered if point.about == CHANGED else point.value), point.value
        within = _item(case, found, path_in(found.record, point.path))
    return _made(case, person, said, point.step, point.path, point.about, before, after, within)


def _correction(case: Case, said: Said, person: Person) -> Iterator[Decision]:
    assert said.name is not None
    found, path = _target(case, said.name)
    value = _value(found, path, said.text)
    stands = value_at(found.record, path)
    if same(stands, value) and stands is not ABSENT and _is_corrected(case, found.step, pointer(path), value):
        return
    at = pointer(path)
    open_ = [each for each in case.points if (each.step, each.path) == (found.step, at)]
    changed = next((each for each in open_ if each.about == CHANGED), None)
    about = changed.about if changed else next((each.about for each in open_ if each.path), VALUE)
    given = value_at(found.run, path)
    before = changed.offered if changed else None if given is ABSENT else given
    yield _made(case, person, said, found.step, at, about, before, value, _item(case, found, path))


def undone(last: Decision, person: Person) -> Decision:
    """Make the decision that takes another one back."""
    told = {"decision": "undo", "by": person.by, "at": person.at, "note": ""}
    return last.model_copy(update=told)


def written(value: Any) -> str:
    """Write a value as people read and type it: a text as it is, all else as JSON."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _about_document(case: Case, said: Said, person: Person) -> Decision:
    record = case.row["record"]
    return _made(case, person, said, "", "", DOCUMENT, record, record, None)


def _made(
    case: Case,
    person: Person,
    said: Said,
    step: str,
    path: str,
    about: str,
    before: Any,
    after: Any,
    within: Any,
) -> Decision:
    return Decision(
        document_id=case.document_id,
        content_sha256=case.row["content_sha256"],
        step=step,
        path=path,
        about=about,
        decision=said.verdict,
        before=before,
        after=after,
        within=within,
        by=person.by,
        note=said.note,
        at=person.at,
    )


def _points(case: Case, name: str) -> list[OpenPoint]:
    """Find the open points of a name, or of a path that is written otherwise."""
    named = [each for each in case.points if each.name == name]
    if named:
        return named
    try:
        found, path = _target(case, name)
    except ConfigError:
        return []
    at = pointer(path)
    return [
        each for each in case.points if (each.step, each.path) == (found.step, at) and each.about in OF_VALUES
    ]


def _open_names(case: Case) -> str:
    names = ", ".join(each.name for each in case.points[:10])
    return f"; open are {names}" if names else ": nothing of it is"


def _is_accepted(case: Case, said: Said) -> bool:
    """Say whether a point was decided in this way before."""
    for each in case.holding.decisions:
        named = case.named(each.step, _doubt(each))
        if named == said.name and each.decision == "accept":
            shown = meant(safe(written(each.after)))
            return each.about not in OF_VALUES or not said.seen or said.seen == shown
    return False


def _is_corrected(case: Case, step: str, at: str, value: Any) -> bool:
    return any(
        (each.step, each.path, each.decision) == (step, at, "correct") and same(each.after, value)
        for each in case.holding.decisions
    )


def _target(case: Case, name: str) -> tuple[StepRecord, Path]:
    """Find the record and the path that a name leads to."""
    prefixed = STEP.fullmatch(name)
    step, text = (prefixed[1], prefixed[2]) if prefixed and prefixed[1] in case.records else (case.main, name)
    found = case.records.get(step)
    if found is None:
        lost = f": the pipeline no longer has the step {step}, run it again" if step else ": it has no record"
        raise ConfigError(f"{case.document_id}: no value can be corrected{lost}")
    try:
        return found, path_in(found.record, text)
    except ValueError as error:
        raise ConfigError(f"{case.document_id}: {name!r}: {error}") from None


def _value(found: StepRecord, path: Path, text: str) -> Any:
    """Read a corrected value: as JSON where the schema takes that, else as a text."""
    told: list[str] = []
    known = found.faults()  # of a schema that has changed since
    for value in _readings(text):
        try:
            record = with_value(found.record, path, value)
        except LookupError:
            raise ConfigError(
                f"{place(path)}: there is nothing that holds this place: correct that first"
            ) from None
        wrong = [each for each in faults(validator(found.tool.parameters), record) if each not in known]
        if not wrong:
            return value
        told.append("; ".join(map(_told, wrong[:MOST_TOLD])))
    raise ConfigError(told[0])


def _readings(text: str) -> Iterator[Any]:
    with suppress(ValueError):
        yield parse(text)
    try:
        yield parse(json.dumps(text))
    except ValueError as error:
        raise ConfigError(f"the corrected value {error}") from None


def _item(case: Case, found: StepRecord, path: Path) -> Any:
    """Give the item of an array that a path leads into, as the run gave it."""
    at = array_part(found.record, path)
    if at is None:
        return None
    of_item = pointer(path[: at + 1])
    for each in case.holding.of(found.step):  # the record of one that is done has the corrected item
        if each.within is not None and is_within(each.path, of_item):
            return each.within
    item = value_at(found.run, path[: at + 1])
    if item is ABSENT:
        item = value_at(found.record, path[: at + 1])
    return None if item is ABSENT else item


def _wrong(before: Case, after: Case) -> list[str]:
    """Say what the schema does not take of corrections, and which rules that were kept they break."""
    wrong: list[str] = []
    for step, found in after.records.items():
        earlier = before.records[step]
        if same(found.record, earlier.record):
            continue
        faults_before, known = earlier.faults(), {each.name for each in earlier.broken}
        wrong += [_told(each) for each in found.faults() if each not in faults_before]
        wrong += [f"rule {each.name}: {each.message}" for each in found.broken if each.name not in known]
    return wrong


def _told(fault: tuple[Path, str]) -> str:
    at, said = fault
    return f"{place(at)}: {said}" if at else said


def _doubt(decision: Decision) -> OpenPoint:
    return OpenPoint(path=decision.path, about=decision.about, wrong="", step=decision.step, name="")
