"""A record of a long text: a part at a time, merged by its schema and held against the whole document."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.run.answer import Requests, whole_record
from docmill.flows.run.basis import Basis, broken_by
from docmill.flows.run.held import Differing, Held, held
from docmill.flows.run.long_lists import by_lists
from docmill.flows.run.together import all_of, bounded
from docmill.schemas.decision import CONFLICT, Doubt
from docmill.schemas.errors import CutShort, InvalidReply
from docmill.schemas.steps import DOCUMENT
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.completeness.missing import Completeness
from docmill.tasks.checks.faults import Path, problem, shown
from docmill.tasks.checks.parts.dividing import Part, parts
from docmill.tasks.checks.parts.holding import by_whole, differing, grounding, in_whole, missing
from docmill.tasks.checks.parts.merging import Merged, PartRecord, merged
from docmill.tasks.checks.parts.relaxed import filled, part_tool
from docmill.tasks.checks.parts.tabled import of_tables
from docmill.tasks.checks.pointers import pointer
from docmill.tasks.checks.request import LONGEST_QUOTED_BYTES
from docmill.tasks.checks.validation import validator
from docmill.tasks.steps.long import part_options, room, size

LEAST_DIVIDED = 1_000  # bytes of a part whose reply is cut short


@dataclass(frozen=True)
class ReadPart:
    """A part of a text, and what it came to; its places count from the part's beginning."""

    part: Part
    held: Held


async def record_of_parts(requests: Requests, text: str, tool: ToolSchema) -> Held:
    """Ask each part of a text for what it says of a record, several at the same time, and merge that.

    Raises InvalidReply where the parts do not make a record that satisfies the schema.
    """
    step, wanted = _step(requests), part_tool(tool)
    limit = requests.step.options.max_input_tokens
    most = room(requests.acts, step.options, wanted, requests.target, limit)
    pages = requests.basis.document.page_starts if _is_document(requests) else ()
    found = await requests.computed(len(text), lambda: parts(text, most, size, pages, overlap=True))
    reading = _Reading(requests, step, text, wanted)
    makers = [partial(reading.of, each, most) for each in found]
    read = await bounded(requests.plan.concurrency, makers, to_the_end=not requests.sends)
    every = [each for of_part in read for each in of_part]
    return await requests.computed(len(text), lambda: _whole(requests, every, tool))


@dataclass(frozen=True)
class _Reading:
    requests: Requests
    step: StepPlan
    text: str
    tool: ToolSchema

    async def of(self, part: Part, most: int) -> list[ReadPart]:
        """Read a part; one whose reply is cut short is divided."""
        try:
            return [ReadPart(part, await self._held(part))]
        except CutShort:
            if most < 2 * LEAST_DIVIDED:
                raise
            piece = self.text[part.start : part.end]
            halves = parts(piece, min(most, size(piece)) // 2 + 1, size, overlap=False)
            own = [_within(part, each) for each in halves]
            read = await all_of(*(self.of(each, most // 2) for each in own))
            return [each for of_part in read for each in of_part]

    async def _held(self, part: Part) -> Held:
        basis, piece = self.requests.basis, self.text[part.start : part.end]
        if _is_document(self.requests):
            basis = Basis(basis.document.stretch(part.start, part.end))
        of_part = self.requests.of_part(basis, self.step)
        return await by_lists(of_part, piece, self.tool) or await whole_record(of_part, piece, self.tool)


def _step(requests: Requests) -> StepPlan:
    """Give the step as a part reads it; what is no part of the document is not asked to list all of it."""
    options = part_options(requests.acts, requests.step.options)
    if not _is_document(requests) and hasattr(options, "complete"):
        options = options.model_copy(update={"complete": "off"})
    return replace(requests.step, options=options)


def _is_document(requests: Requests) -> bool:
    return requests.step.options.input == DOCUMENT


def _within(part: Part, half: Part) -> Part:
    """Give a stretch of a part as a part of the whole text."""
    start, end = part.start + half.own, part.start + half.end
    return Part(start, min(max(start, part.own), end), end)


def _whole(requests: Requests, read: Sequence[ReadPart], tool: ToolSchema) -> Held:
    """Merge what parts say, and hold it against the whole document."""
    basis, step = requests.basis, requests.step
    records = [_record(basis, each, is_document=_is_document(requests)) for each in read]
    found = merged(records, tool.marked)
    found.record = filled(found.record, tool.parameters)
    if fault := problem(validator(tool.parameters), found.record):
        wrong = InvalidReply("the parts of the document make no valid record", body=fault)
        wrong.reply = json.dumps(found.record, ensure_ascii=False)[:LONGEST_QUOTED_BYTES]
        raise wrong
    conflicts = tuple(_differing(*each, tool) for each in differing(found, records))
    if not _is_document(requests):
        return replace(held(basis, step, found.record, tool), conflicts=conflicts, in_parts=True)
    return Held(
        found.record,
        grounding(records, found, tool.marked),
        _missing(basis, read, records, found, tool) if requests.acts.is_complete(step.options) else None,
        broken_by(basis, step, found.record, tool),
        conflicts=conflicts,
        in_parts=True,
    )


def _missing(
    basis: Basis, read: Sequence[ReadPart], records: Sequence[PartRecord], found: Merged, tool: ToolSchema
) -> Completeness:
    """Say what is missing by the tables of the whole document; of lists that code has read by its parts."""
    of_parts = missing(records, found, [each.held.completeness for each in read])
    known: defaultdict[str, set[int]] = defaultdict(set)
    for each in read:
        for one in each.held.lists:
            if one.by_code:
                known[one.found.declared.name].update(
                    each.part.start + row.start for row in one.found.group.rows
                )
    return by_whole(of_parts, of_tables(basis.document.text, found.record, tool.marked, known), known)


def _record(basis: Basis, read: ReadPart, *, is_document: bool) -> PartRecord:
    part = read.part if is_document else Part(0, 0, 0)
    assert read.held.grounding is not None  # every record has one
    return PartRecord(part, read.held.record, in_whole(basis.grounds, part, read.held.grounding))


def _differing(path: Path, said: Sequence[tuple[Any, int | None]], tool: ToolSchema) -> Differing:
    """Make a point to decide of what parts give differently, with all that they give."""
    named = [shown(value) + (f" (page {page})" if page else "") for value, page in said]
    wrong = f"parts of the document differ: {', '.join(named[:-1])} and {named[-1]}"
    name = path[0] if path[0] in tool.parameters.get("properties", {}) else "*"
    return Differing(str(name), Doubt(path=pointer(path), about=CONFLICT, wrong=wrong))
