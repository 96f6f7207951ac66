"""Deciding: what a person says becomes decisions, which are checked, kept and carried out at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from docmill.flows.review.carried import same
from docmill.flows.review.case import Case
from docmill.flows.review.corrections import MOST_TOLD, corrected_value, described, item_around, target
from docmill.schemas.decision import CHANGED, DOCUMENT, OF_VALUES, VALUE, Decision, OpenPoint, Verdict
from docmill.schemas.errors import ConfigError
from docmill.schemas.outcome import GOOD
from docmill.tasks.checks.pointers import ABSENT, path_in, pointer, value_at
from docmill.tasks.sinks.cells import meant, raw, safe

VERDICTS = ("accept", "correct", "reject")  # that a person may say; undo is a decision of its own


@dataclass(frozen=True)
class Said:
    """What a person says: of one point by its name, or of all that is open where it names none.

    `text` is the corrected value: JSON, else a text. `seen` is the accepted value as it was shown (of a rule
    the fields that it is about), `why` what was shown to be wrong; what is not given is not compared.
    """

    verdict: Verdict
    name: str | None = None
    text: str = ""
    note: str = ""
    seen: str | None = None
    why: str | None = None


@dataclass(frozen=True)
class Person:
    """Who decides, and when."""

    by: str
    at: datetime


def decide(case: Case, said: Sequence[Said], person: Person) -> list[Decision]:
    """Make the decisions that a person's words are; those that were made already are left out.

    Raises ConfigError for what cannot be decided so: nothing of it is then kept. Corrections are held
    together against the schema and the rules: two may keep a rule that each of them alone would break.
    """
    if case.row["status"] not in GOOD:
        raise ConfigError(
            f"{case.document_id} is {case.row['status']}: only what is in review or done can be decided", 0
        )
    made: list[Decision] = []
    now, last, accepted = case, 0, set[str]()
    for at, each in enumerate(said):
        # What is accepted changes no record: the case is made anew only before what may see a difference.
        if made and (each.verdict != "accept" or each.name is None or each.name in accepted):
            now, accepted = case.with_decisions(made), set()
        try:
            made += _decisions(now, each, person)
        except ConfigError as error:
            raise ConfigError(str(error), at) from None
        if each.verdict == "accept" and each.name is not None:
            accepted.add(each.name)
        last = at if each.verdict == "correct" else last
    now = case.with_decisions(made) if made else case
    if wrong := _wrong(case, now):
        raise ConfigError(f"{case.document_id}: refused: {'; '.join(wrong[:MOST_TOLD])}", last)
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
        points: Sequence[OpenPoint] = (*case.points, *case.undecided_labels)
    else:
        points = _points(case, said.name)
        if not points and not _is_accepted(case, said):
            raise ConfigError(f"{case.document_id}: {said.name!r} is not open{_open_names(case)}")
    for point in points:
        _require_seen(case, point, said)
        yield _accepted(case, point, said, person)


def _require_seen(case: Case, point: OpenPoint, said: Said) -> None:
    """Raise ConfigError where a person has seen another value, or another fault, than the one that stands."""
    pairs = [("value", said.seen, seen(point.value))]
    if point.about not in OF_VALUES:
        pairs.append(("quote", said.why, seen(point.quote or point.wrong)))
    for cell, decided_on, shown in pairs:
        if decided_on and decided_on != shown:
            raise ConfigError(
                f"{case.document_id}: {point.name} is {shown!r}, and what was decided on is {decided_on!r}: "
                f"export again, or empty the cell of the {cell} where a spreadsheet has only written it "
                "otherwise"
            )


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
        within = item_around(case, found, path_in(found.record, point.path))
    return _made(case, person, said, point.step, point.path, point.about, before, after, within)


def _correction(case: Case, said: Said, person: Person) -> Iterator[Decision]:
    assert said.name is not None
    found, path = target(case, said.name)
    value = corrected_value(found, path, said.text)
    stands = value_at(found.record, path)
    if same(stands, value) and stands is not ABSENT and _is_corrected(case, found.step, pointer(path), value):
        return
    for point in case.points:
        if point.name == said.name:
            _require_seen(case, point, said)
    at = pointer(path)
    open_ = [each for each in case.points if (each.step, each.path) == (found.step, at)]
    changed = next((each for each in open_ if each.about == CHANGED), None)
    about = changed.about if changed else next((each.about for each in open_ if each.path), VALUE)
    given = value_at(found.run, path)
    before = changed.offered if changed else None if given is ABSENT else given
    yield _made(case, person, said, found.step, at, about, before, value, item_around(case, found, path))


def undone(last: Decision, person: Person) -> Decision:
    """Make the decision that takes another one back."""
    told = {"decision": "undo", "by": person.by, "at": person.at, "note": ""}
    return last.model_copy(update=told)


def written(value: Any) -> str:
    """Write a value as people read and type it: a text as it is, all else as JSON."""
    return "" if value is None else str(raw(value))


def seen(value: Any) -> str:
    """Write a value as a spreadsheet or a page has shown it."""
    return str(meant(safe(written(value))))


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
    named = [each for each in (*case.points, *case.undecided_labels) if each.name == name]
    if named:
        return named
    try:
        found, path = target(case, name)
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
        if case.named(each.step, each) == said.name and each.decision == "accept":
            return each.about not in OF_VALUES or said.seen in (None, "", seen(each.after))
    return False


def _is_corrected(case: Case, step: str, at: str, value: Any) -> bool:
    return any(
        (each.step, each.path, each.decision) == (step, at, "correct") and same(each.after, value)
        for each in case.holding.decisions
    )


def _wrong(before: Case, after: Case) -> list[str]:
    """Say what the schema does not take of corrections, and which rules that were kept they break."""
    wrong: list[str] = []
    for step, found in after.records.items():
        earlier = before.records[step]
        if same(found.record, earlier.record) and found.about == earlier.about:
            continue
        faults_before, known = earlier.faults, {each.name for each in earlier.broken}
        wrong += [described(each) for each in found.faults if each not in faults_before]
        wrong += [f"rule {each.name}: {each.message}" for each in found.broken if each.name not in known]
    return wrong
