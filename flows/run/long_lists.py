"""A record whose long lists are read apart: by code once the model has named their columns, else in parts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import is_
from typing import Any

from prefect.client.schemas.objects import State

from docmill.flows.run.answer import Requests
from docmill.flows.run.failures import status
from docmill.flows.run.held import Held, ReadList, held_with_lists
from docmill.flows.run.together import all_of
from docmill.schemas.errors import ChatError, CutShort, InvalidReply, Unreadable
from docmill.schemas.steps import DOCUMENT
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.request_state import REPAIRS
from docmill.tasks.checks.completeness.rows import Row
from docmill.tasks.checks.lists.declared import without
from docmill.tasks.checks.lists.filling import (
    Columns,
    Filled,
    Filling,
    column_faults,
    filling,
    in_order,
    is_for_code,
)
from docmill.tasks.checks.lists.found import LongList, long_lists
from docmill.tasks.steps.again import asked_again, followed
from docmill.tasks.steps.columns import column_request, column_tool, named_columns
from docmill.tasks.steps.parts import part_items, part_request, part_tool, parts, rest
from docmill.tasks.steps.prompt import beginning

Record = dict[str, Any]
States = Sequence[State[Any]]


@dataclass(frozen=True)
class Decided:
    """How a table is read: by its columns, or in parts where these are None."""

    found: LongList
    columns: Columns | None = None


async def by_lists(requests: Requests, text: str, tool: ToolSchema) -> Held | None:
    """Give the record of a text with long lists; None where it has none, or they do not come."""
    options = requests.step.options
    said = requests.acts.lists(options)
    is_whole = options.input == DOCUMENT and beginning(text, options.max_input_tokens) == text
    if said == "model" or not is_whole:
        return None
    found = await requests.computed(
        len(text), lambda: long_lists(requests.basis.tables, tool, always=said == "columns")
    )
    decided = [each for each in await all_of(*(_decided(requests, each, tool) for each in found)) if each]
    try:
        return await _Record(requests, text, tool, decided).held() if decided else None
    except (InvalidReply, CutShort):  # the model does not keep to parts: the whole record may still come
        return None


async def _decided(requests: Requests, found: LongList, tool: ToolSchema) -> Decided | None:
    """Let the model say whether a table is the array's, and name its columns; None where it is not.

    Where it gives no answer that will do, the table is read in parts, if its columns fit the array.
    """
    in_parts = Decided(found) if found.fits else None
    if in_parts and not found.has_columns:
        return in_parts
    wanted = column_tool(found)
    body = column_request(found, requests.step.options, tool, requests.target)
    completion = await requests.second(body, wanted, [])
    if completion is None:
        return in_parts
    is_list, columns = named_columns(completion)
    if is_list and columns and (fault := column_faults(found, columns)):
        again = followed(body, completion.text, f"{fault} Answer once more.")
        left = REPAIRS - 1 - completion.repairs
        better = (
            await requests.second(again, wanted, requests.states[-1:], repairs=left) if left >= 0 else None
        )
        is_list, columns = named_columns(better) if better else (True, {})
    if not is_list:
        return None
    return Decided(found, columns if columns and is_for_code(found, columns) else None)


@dataclass
class _Record:
    """A record that is put together of the model's reply and of lists."""

    requests: Requests
    text: str
    tool: ToolSchema
    decided: Sequence[Decided]
    repairs: int = 0  # of the reply that is not a list

    async def held(self) -> Held:
        """Ask for all of it at the same time, and once more for what is missing or breaks a rule."""
        after = list(self.requests.states)
        main = without(self.tool, frozenset(each.found.declared.name for each in self.decided))
        body = self._body(main)
        asked = main if main.parameters["properties"] else None
        record, lists = await all_of(
            self._reply(body, asked, after), all_of(*(self._read(each, after) for each in self.decided))
        )
        first = await self._held(record, lists)
        if not first.missing and not first.broken:
            return first
        better, read = await all_of(
            self._reply_again(body, asked, first, record),
            all_of(*(self._again(first, each) for each in lists)),
        )
        if better is record and all(map(is_, read, lists)):  # nothing came of it
            return first
        second = await self._held(better, read)
        return second if second.is_better(first) else first

    def _body(self, main: ToolSchema) -> bytes:
        shown = rest(self.text, [each.found for each in self.decided])
        return self.requests.body(shown, main)

    async def _reply(self, body: bytes, asked: ToolSchema | None, after: States) -> Record:
        """Ask for the record without the lists; where it has nothing else, for nothing."""
        if asked is None:
            return {}
        completion = await self.requests.completion(body, asked, after)
        self.repairs = completion.repairs
        record: Record = self.requests.acts.read(completion, self.requests.step.options)
        return record

    async def _reply_again(
        self, body: bytes, asked: ToolSchema | None, first: Held, record: Record
    ) -> Record:
        """Ask once more for the record without the lists where that leaves out rows or breaks rules."""
        names = {each.found.declared.name for each in self.decided}
        missing = [row for row in first.missing if row.path not in names]
        if asked is None or not (missing or first.broken) or self.repairs >= REPAIRS:
            return record
        again = asked_again(body, json.dumps(record, ensure_ascii=False), missing, first.broken)
        left = REPAIRS - 1 - self.repairs
        completion = await self.requests.second(again, asked, self.requests.states[-1:], repairs=left)
        if completion is None:
            return record
        better: Record = self.requests.acts.read(completion, self.requests.step.options)
        return better

    async def _read(self, decided: Decided, after: States) -> ReadList:
        """Read a list: by its columns, but for the rows that do not fit, or all of it in parts."""
        found, columns = decided.found, decided.columns
        made = await self.requests.computed(len(self.text), lambda: _filled(found, columns))
        rows = sorted([*made.odd, *made.doubtful], key=lambda row: row.start)
        items = in_order([*made.items, *await self._items(found, rows, after)])
        taken = {item.row.start for item in items}
        missing = tuple(row for row in made.odd if row.start not in taken)
        return ReadList(found, tuple(items), missing, by_code=columns is not None)

    async def _again(self, first: Held, read: ReadList) -> ReadList:
        """Ask once more for the rows of a list that no item stands for."""
        starts = {row.start for row in first.missing if row.path == read.found.declared.name}
        known = {row.start: row for row in (*read.found.group.rows, *read.missing)}
        rows = [known[start] for start in sorted(starts & known.keys())]
        if not rows:
            return read
        try:
            items = await self._items(read.found, rows, self.requests.states[-1:], again=True)
        except (ChatError, Unreadable) as failure:
            if status(failure) == "deferred":
                raise
            return read
        kept = [item for item in read.items if item.row.start not in starts]
        taken = {item.row.start for item in items}
        missing = tuple(row for row in read.missing if row.start not in taken)
        return replace(read, items=tuple(in_order([*kept, *items])), missing=missing)

    async def _items(
        self, found: LongList, rows: Sequence[Row], after: States, *, again: bool = False
    ) -> list[Filled]:
        """Ask for the items of rows, in parts at the same time."""
        divided = parts(found, rows, self.requests.step.options, self.requests.target)
        read = await all_of(*(self._part(found, part, after, again=again) for part in divided))
        return [item for items in read for item in items]

    async def _part(
        self, found: LongList, part: Sequence[Row], after: States, *, again: bool
    ) -> list[Filled]:
        """Ask for the items of a part; one whose reply is cut short is divided."""
        requests = self.requests
        body = part_request(found, part, requests.step.options, self.tool, requests.target, again=again)
        try:
            completion = await requests.completion(body, part_tool(found, part, self.tool), after)
        except CutShort:
            if len(part) == 1:
                raise
            middle = len(part) // 2
            halves = (part[:middle], part[middle:])
            read = await all_of(*(self._part(found, half, after, again=again) for half in halves))
            return [item for items in read for item in items]
        return part_items(found, part, completion)

    async def _held(self, record: Record, lists: Sequence[ReadList]) -> Held:
        given = (self.requests.basis, self.requests.step, record, self.tool, lists)
        found = await self.requests.computed(len(self.text), lambda: held_with_lists(*given))
        for each in self.decided:
            most = each.found.declared.most
            if most is not None and len(found.record[each.found.declared.name]) > most:
                raise InvalidReply(f"{each.found.declared.name} has more than {most} items")
        return found


def _filled(found: LongList, columns: Columns | None) -> Filling:
    """Read what code can; without columns every row is the model's."""
    if columns is not None:
        return filling(found, columns)
    return Filling(odd=found.items, doubtful=found.doubtful(found.columns, found.items))
