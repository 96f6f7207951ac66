"""A record held against its document: where its values stand, and which rows stand for none of its items."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.review.doubts import Pointers, doubts
from docmill.flows.run.basis import Basis, broken_by
from docmill.schemas.decision import CONFLICT, LENGTH, MISSING, REPEATED, RULE, VALUE, Doubt
from docmill.schemas.outcome import MissingRow
from docmill.schemas.rule import BrokenRule
from docmill.schemas.steps import DOCUMENT
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.completeness.missing import MAX_MISSING, Completeness, completeness, entry
from docmill.tasks.checks.completeness.rows import Row
from docmill.tasks.checks.evidence.alike import in_doubt
from docmill.tasks.checks.evidence.grounding import Grounding
from docmill.tasks.checks.faults import place
from docmill.tasks.checks.lists.evidence import grounded
from docmill.tasks.checks.lists.filling import Filled, in_order
from docmill.tasks.checks.lists.found import LongList
from docmill.tasks.checks.pointers import nodes
from docmill.tasks.steps.kind import kind
from docmill.tasks.steps.prompt import beginning


@dataclass(frozen=True)
class ReadList:
    """A long list as it was read: its items in their order, and rows that have to stand for one and do not.

    `by_code` says that code has read what it could of its columns: then no other row can be missing.
    """

    found: LongList
    items: tuple[Filled, ...]
    missing: tuple[Row, ...]
    by_code: bool


@dataclass(frozen=True)
class Differing:
    """A value that parts of a document give differently; `name` is what logs may show of its place."""

    name: str
    doubt: Doubt


@dataclass(frozen=True)
class Held:
    """A record with its evidence, what is missing of it where its step asks for that, and broken rules.

    `split` are the points that the votes of its step differ on.
    Where it was read `in_parts`, `conflicts` are what these give differently. `truncated` says that not all
    of a text was read.
    """

    record: Any
    grounding: Grounding | None = None
    completeness: Completeness | None = None
    broken: tuple[BrokenRule, ...] = ()
    lists: tuple["ReadList", ...] = ()
    split: tuple[Doubt, ...] = ()
    conflicts: tuple[Differing, ...] = ()
    in_parts: bool = False
    truncated: bool = False

    def doubts(self) -> tuple[Doubt, ...]:
        """List what a person has to decide where nothing better comes of the step."""
        evidence = self.grounding.evidence if self.grounding else ()
        found = self.completeness
        repeated, is_cut = (found.repeated, found.is_cut) if found else ({}, False)
        found_so = doubts(self.record, evidence, self.missing, self.broken, repeated=repeated, is_cut=is_cut)
        return (*self.split, *(each.doubt for each in self.conflicts), *found_so)

    def only(self, open_: Sequence[Doubt]) -> "Held":
        """Leave out of what is doubtful all but this."""
        left = {(each.path, each.about) for each in open_}
        of, found = Pointers(self.record).of, self.completeness
        values = {path for path, about in left if about == VALUE}
        kept = self.grounding and _grounded(self.grounding, values, of)

        def still(about: str, counts: Mapping[str, int]) -> dict[str, int]:
            return {name: many for name, many in counts.items() if (of(name), about) in left}

        told = found and replace(
            found,
            missing=still(MISSING, found.missing),
            repeated=still(REPEATED, found.repeated),
            is_cut=("", LENGTH) in left,
        )
        broken = tuple(each for each in self.broken if ("", f"{RULE} {each.name}") in left)
        split = tuple(each for each in self.split if (each.path, each.about) in left)
        conflicts = tuple(each for each in self.conflicts if (each.doubt.path, CONFLICT) in left)
        left_so = replace(self, grounding=kept, completeness=told, broken=broken, lists=())
        return replace(left_so, split=split, conflicts=conflicts)

    @property
    def missing(self) -> tuple[MissingRow, ...]:
        """The rows of the document that stand for no item."""
        return self.completeness.rows if self.completeness else ()

    def is_better(self, other: "Held") -> bool:
        """Say whether it leaves out less or breaks less than another, and is worse in nothing."""
        mine, others = self._faults(), other._faults()
        return mine != others and all(left <= right for left, right in zip(mine, others, strict=True))

    def _faults(self) -> tuple[int, ...]:
        """Count rows left out, items that stand twice, values not found, broken rules, splits, conflicts."""
        found = self.completeness
        return (
            sum(found.missing.values()) if found else 0,
            sum(found.repeated.values()) if found else 0,
            len(self.grounding.missing) if self.grounding else 0,
            len(self.broken),
            len(self.split),
            len(self.conflicts),
        )


def _grounded(found: Grounding, left: set[str], of: Callable[[str], str]) -> Grounding:
    """Leave out the fields that are not in the document but were decided."""
    absent = [each["path"] for each in found.evidence if in_doubt(each)]
    fields = [name for path, name in zip(absent, found.missing, strict=True) if of(path) in left]
    return Grounding(found.evidence, fields, found.similar)


def held(basis: Basis, step: StepPlan, record: Any, tool: ToolSchema) -> Held:
    """Hold a record against the document and its rules; rows beyond what its step read are not missing."""
    acts, grounding = kind(step.kind), basis.grounds.of(record, tool.marked)
    broken = broken_by(basis, step, record, tool)
    if not acts.is_complete(step.options):
        return Held(record, grounding, broken=broken)
    limit = step.options.max_input_tokens if step.options.input == DOCUMENT else None
    until = None if limit is None else len(beginning(basis.document.text, limit))
    found = completeness(basis.grounds, record, tool.marked, until, tables=basis.tables)
    return Held(record, grounding, found, broken)


def held_with_lists(
    basis: Basis,
    step: StepPlan,
    record: dict[str, Any],
    tool: ToolSchema,
    lists: Sequence[ReadList],
) -> Held:
    """Put lists into a record, and hold all of it against the document and its rules."""
    grounds = basis.grounds
    names = list(dict.fromkeys(each.found.declared.name for each in lists))
    items = {
        name: in_order(item for each in lists if each.found.declared.name == name for item in each.items)
        for name in names
    }
    whole = record | {name: [each.item for each in of_name] for name, of_name in items.items()}
    groundings = [
        grounds.of({name: value for name, value in record.items() if name not in items}, tool.marked),
        *(grounded(grounds, name, of_name, tool.marked) for name, of_name in items.items()),
    ]
    grounding = Grounding(
        [entry for each in groundings for entry in each.evidence],
        [name for each in groundings for name in each.missing],
        [name for each in groundings for name in each.similar],
    )
    broken = broken_by(basis, step, whole, tool)
    if not kind(step.kind).is_complete(step.options):
        return Held(whole, grounding, broken=broken, lists=tuple(lists))
    return Held(whole, grounding, _complete(basis, whole, tool, lists), broken, tuple(lists))


def held_anew(basis: Basis, step: StepPlan, record: Any, tool: ToolSchema, before: Held) -> Held:
    """Hold a record that has changed: lists that stay as they were read rest on what they were read of."""
    names = {each.found.declared.name for each in before.lists}
    if not names or any(record.get(name) != before.record.get(name) for name in names):
        return held(basis, step, record, tool)
    others = {name: value for name, value in record.items() if name not in names}
    return held_with_lists(basis, step, others, tool, before.lists)


def parts_held_anew(basis: Basis, step: StepPlan, record: Any, tool: ToolSchema, before: Held) -> Held:
    """Hold a record of parts that has changed: what has not stays as it was found in them."""
    found = before.grounding
    assert found is not None  # every record has one
    old = {place(path): value for path, value in nodes(before.record)}
    new = {place(path): value for path, value in nodes(record)}
    names = iter(found.missing)
    named = [(each, next(names) if in_doubt(each) else None) for each in found.evidence]
    same = [each for each in named if new.get(each[0]["path"]) == old.get(each[0]["path"])]
    doubtful = [(entry, name) for entry, name in same if name is not None]
    kept = Grounding(
        [entry for entry, _ in same],
        [name for _, name in doubtful],
        [name for entry, name in doubtful if entry["start"] is not None],
    )
    broken = broken_by(basis, step, record, tool)
    return replace(before, record=record, grounding=kept, broken=broken)


def _complete(
    basis: Basis, record: dict[str, Any], tool: ToolSchema, lists: Sequence[ReadList]
) -> Completeness:
    """Say what is missing of a record with lists; of what code has read, the rows that it names."""
    read: dict[str, set[int]] = {}
    for each in lists:
        if each.by_code:
            read.setdefault(each.found.declared.name, set()).update(
                row.start for row in each.found.group.rows
            )
    found = completeness(basis.grounds, record, tool.marked, read=read, tables=basis.tables)
    repeated = Counter(found.repeated)
    for each in lists:
        of_rows = Counter(item.row.start for item in each.items)
        if each.by_code and (twice := sum(of_rows.values()) - len(of_rows)):
            repeated[each.found.declared.name] += twice
    known = {row.start for row in found.rows}
    rows = [
        entry(each.found.declared.name, row, basis.grounds)
        for each in lists
        for row in each.missing
        if row.start not in known
    ]
    missing = Counter(found.missing) + Counter(row.path for row in rows)
    told = sorted([*found.rows, *rows], key=lambda row: row.start)
    return replace(found, rows=tuple(told[:MAX_MISSING]), missing=dict(missing), repeated=dict(repeated))
