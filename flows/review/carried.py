"""Decisions carried into a record: one that a later run made, or the one that they were made on."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from docmill.schemas.decision import (
    CHANGED,
    DOCUMENT,
    MISSING,
    OF_VALUES,
    UNREAD,
    VALUE,
    VOTES,
    Decision,
    Doubt,
)
from docmill.tasks.checks.faults import Path, shown
from docmill.tasks.checks.pointers import ABSENT, is_within, path_in, pointer, value_at, with_value

Takes = Callable[[Any], bool]
REJECTED = "rejected in review"


@dataclass(frozen=True)
class Standing:
    """The decisions of a document that hold, after those that replaced others; `rejected` is last."""

    decisions: tuple[Decision, ...] = ()
    rejected: Decision | None = None

    def of(self, step: str) -> list[Decision]:
        """Give those about a step's record."""
        return [each for each in self.decisions if each.step == step]


@dataclass(frozen=True)
class Carried:
    """A record with decisions carried into it.

    `held` are those that hold in it, and `changed` what the run gives otherwise than a person decided.
    """

    record: Any
    held: tuple[Decision, ...] = ()
    changed: tuple[Doubt, ...] = ()

    def covers(self, doubt: Doubt) -> bool:
        """Say whether a person has decided this already."""
        return any(self._covers(each, doubt) for each in self.held)

    def _covers(self, decision: Decision, doubt: Doubt) -> bool:
        if doubt.about not in OF_VALUES:
            return decision.about == doubt.about
        if decision.about not in OF_VALUES:
            return False
        if doubt.about == CHANGED and decision.path == doubt.path:  # one made on this very difference
            return decision.about == CHANGED and same(decision.before, doubt.offered)
        if decision.decision == "correct":
            return is_within(doubt.path, decision.path) or self._adds(decision, doubt)
        about = decision.about, doubt.about
        meant = decision.about == doubt.about or about in ((CHANGED, VALUE), (CHANGED, VOTES))
        return meant and decision.path == doubt.path

    def _adds(self, decision: Decision, doubt: Doubt) -> bool:
        """Say whether it is one of as many items added to an array as rows of the document were left out."""
        if doubt.about != MISSING or not decision.path.startswith(f"{doubt.path}/"):
            return False
        added = [each for each in self.held if _is_added(each) and each.path.startswith(f"{doubt.path}/")]
        return len({each.path for each in added}) >= doubt.rows


@dataclass
class _Current:
    """What holds so far, as decisions are gone through in their order."""

    kept: list[Decision] = field(default_factory=list)
    rejected: Decision | None = None

    def take(self, new: Decision) -> None:
        if new.about == DOCUMENT:
            self.rejected = new if new.decision == "reject" else None
            return
        if new.decision == "undo":
            self.kept = [each for each in self.kept if not _is_of(each, new)]
            return
        self.rejected = None  # who decides a point again has taken the document up again
        self.kept = [each for each in self.kept if not _replaces(new, each)]
        self.kept.append(new)


def standing(decisions: Iterable[Decision]) -> Standing:
    """Say which decisions of one document and content hold; they come in the order they were made."""
    current = _Current()
    for each in decisions:
        current.take(each)
    return Standing(tuple(current.kept), current.rejected)


def carried(record: Any, decisions: Sequence[Decision], every: Iterable[Decision], takes: Takes) -> Carried:
    """Carry the decisions that hold about a step's record into it.

    A value that the run gives as it gave it when it was decided becomes the decided one; `every` are all
    decisions ever made, so that what was once decided against is known. Where it gives another value, the
    decided one is kept, but for a place in an array: what stands there may be another item. What the schema
    no longer takes (`takes`) is passed over.
    """
    past, found = list(every), Carried(record)
    for decision in decisions:
        if decision.about in OF_VALUES:
            found = _with(found, record, decision, past, takes)
    whole = [each for each in decisions if each.about not in OF_VALUES and _holds(each, found.record)]
    return Carried(found.record, (*found.held, *whole), found.changed)


def decided_label(
    label: str, decisions: Iterable[Decision], every: Iterable[Decision], labels: Collection[str]
) -> Carried:
    """Carry the decisions that hold about a step's label into it, of those that it may choose."""
    own = [each for each in decisions if not each.path]  # a step of this name may have had a record
    return carried(label, own, every, lambda decided: isinstance(decided, str) and decided in labels)


def _with(found: Carried, run: Any, decision: Decision, past: list[Decision], takes: Takes) -> Carried:
    path = _place(decision, run, found.record)
    if path is None:
        return _told(found, decision, run)
    here = decision.model_copy(update={"path": pointer(path)})  # its item may have moved
    value, held = value_at(found.record, path), (*found.held, here)
    if same(value, decision.after):
        return Carried(found.record, held, found.changed)
    try:
        decided = with_value(found.record, path, decision.after)
    except LookupError:
        return _told(found, decision, run)
    if not takes(decided):
        return found
    if decision.within is not None or any(same(value, each) for each in _seen(decision, past)):
        return Carried(decided, held, found.changed)
    doubt = _changed(decision, None if value is ABSENT else value)
    return Carried(decided, found.held, (*found.changed, doubt))


def _place(decision: Decision, run: Any, record: Any) -> Path | None:
    """Find where a decision's value stands in a record; None where its item in an array is not there.

    The item has to be as it was, where it was or, where there is one such item alone, elsewhere.
    """
    try:
        path = path_in(record, decision.path)
    except ValueError:
        return None
    at = array_part(record, path)
    if at is None:
        return path
    index, items = path[at], value_at(record, path[:at])
    given = value_at(run, path[:at])
    assert isinstance(index, int)
    if decision.within is None:  # an item that was added
        return path if index == len(items) or same(value_at(items, (index,)), decision.after) else None
    if any(same(value_at(each, (index,)), decision.within) for each in (items, given)):
        return path
    matching = [
        number
        for number, item in enumerate(items)
        if same(item, decision.within) or same(value_at(given, (number,)), decision.within)
    ]
    return (*path[:at], matching[0], *path[at + 1 :]) if len(matching) == 1 else None


def array_part(record: Any, path: Path) -> int | None:
    """Say which part of a path is the first that leads into an array."""
    parts = range(len(path))
    return next((part for part in parts if isinstance(value_at(record, path[:part]), list)), None)


def _told(found: Carried, decision: Decision, run: Any) -> Carried:
    """Tell of a decided value whose place is no longer there, unless the same value stands there."""
    try:
        value = value_at(run, path_in(run, decision.path))
    except ValueError:
        value = ABSENT
    if same(value, decision.after):
        return found
    given = "nothing" if value is ABSENT else shown(value)
    wrong = f"the run gives {given} here; {_said(decision)} for an item that it does not give so"
    offered = None if value is ABSENT else value
    doubt = Doubt(path=decision.path, about=CHANGED, wrong=wrong, offered=offered)
    return Carried(found.record, found.held, (*found.changed, doubt))


def _changed(decision: Decision, value: Any) -> Doubt:
    wrong = f"the run gives {shown(value)}; {_said(decision)}"
    return Doubt(path=decision.path, about=CHANGED, wrong=wrong, offered=value)


def rejection(decision: Decision) -> str:
    """Say who rejected a document, and why."""
    return f"{REJECTED} by {decision.by}: {decision.note}".removesuffix(": ")


def _said(decision: Decision) -> str:
    verb = "accepted" if decision.decision == "accept" else "corrected to"
    return f"{decision.by} {verb} {shown(decision.after)} on {decision.at:%Y-%m-%d}"


def same(one: Any, other: Any) -> bool:
    """Say whether two JSON values are equal; nothing is null, and true is not 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    one, other = (None if each is ABSENT else each for each in (one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _holds(decision: Decision, record: Any) -> bool:
    """Say whether a decision about the whole holds: one about the document itself, or the same record."""
    return decision.about.startswith(UNREAD) or same(decision.after, record)


def _is_added(decision: Decision) -> bool:
    return decision.decision == "correct" and decision.within is None and decision.before is None


def _is_of(one: Decision, other: Decision) -> bool:
    of_one, of_other = (one.step, one.path, one.about), (other.step, other.path, other.about)
    return of_one == of_other and same(one.within, other.within)


def _seen(decision: Decision, past: list[Decision]) -> Iterator[Any]:
    """Give the values that people have seen in a place before the decided one came to stand there."""
    for each in past:
        if (each.step, each.path) == (decision.step, decision.path):
            yield from (each.before, each.after)


def _replaces(new: Decision, old: Decision) -> bool:
    if new.step != old.step or new.about not in OF_VALUES or old.about not in OF_VALUES:
        return _is_of(new, old)
    if new.about != CHANGED and new.path == old.path and not same(new.within, old.within):
        return False  # of two items, of which the other stands there now
    if new.decision == "correct" and is_within(old.path, new.path):
        return True
    return old.path == new.path and (new.about == old.about or not same(old.after, new.after))
