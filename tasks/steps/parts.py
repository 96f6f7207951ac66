"""The requests that ask for the items of some rows of a long list, and its document without them."""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.outcome import many
from docmill.schemas.steps import StepOptions
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.completeness.rows import Row
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.checks.lists.declared import sent
from docmill.tasks.checks.lists.filling import Filled
from docmill.tasks.checks.lists.found import LONG, LongList
from docmill.tasks.checks.request import BYTES_PER_TOKEN
from docmill.tasks.steps import prompt
from docmill.tasks.steps.columns import head

FEWEST_ROWS, MOST_ROWS = 20, 30  # of a part
# Of so many rows one ends a part, by its text: where a row is new, most parts after it stay as they are.
ENDS_A_PART = 6
TOKENS, TOKENS_A_ROW = 128, 16  # beside what the rows say
TOKENS_OF_HEAD = 1_500  # and of what is asked
SAFETY = 2  # times the estimate: the limit of a reply
SHOWN = 5  # rows at both ends of a list that the rest of the document keeps
LONGEST_BETWEEN = 500  # characters
ROW, ITEM = "row", "item"


def parts(found: LongList, rows: Sequence[Row], options: StepOptions, target: Target) -> Iterator[list[Row]]:
    """Divide rows into parts that fit into one request each, and their items into one reply."""
    endpoint = target.endpoint
    most = min(options.max_tokens or endpoint.max_output_tokens, endpoint.max_output_tokens)
    room = endpoint.context_tokens - most - TOKENS_OF_HEAD
    part: list[Row] = []
    shown = needed = 0
    for row in rows:
        said, items = _said(found, row), _needed(found, row)
        is_full = len(part) >= MOST_ROWS or shown + said > room or needed + items + TOKENS > most
        if part and (is_full or (len(part) >= FEWEST_ROWS and _ends_a_part(found, part[-1]))):
            yield part
            part, shown, needed = [], 0, 0
        part.append(row)
        shown, needed = shown + said, needed + items
    if part:
        yield part


def part_tool(found: LongList, part: Sequence[Row], tool: ToolSchema) -> ToolSchema:
    """Make the tool that takes the items of some rows, each with the number of its row."""
    number = {"type": "integer", "minimum": 1, "maximum": len(part), "description": "The number of its row"}
    items = {
        "type": "object",
        "properties": {ROW: number, ITEM: sent(found.declared.items)},
        "required": [ROW, ITEM],
        "additionalProperties": False,
    }
    name = found.declared.name
    parameters = {
        "type": "object",
        "properties": {name: {"type": "array", "items": items}},
        "required": [name],
        "additionalProperties": False,
    }
    return ToolSchema(id=tool.id, name=tool.name, description=tool.description, parameters=parameters)


def part_request(
    found: LongList,
    part: Sequence[Row],
    options: StepOptions,
    tool: ToolSchema,
    target: Target,
    *,
    again: bool = False,
) -> bytes:
    """Build the body that asks for the items of some rows; `again` says that they were left out before."""
    message = prompt.turn(_shown(found, part), _instruction(found, tool, again=again), options)
    most = TOKENS + sum(_needed(found, row) for row in part)
    return prompt.body(target, [message], options, max_tokens=most, tool=part_tool(found, part, tool))


def part_items(found: LongList, part: Sequence[Row], completion: Completion) -> list[Filled]:
    """Read the items of a part's reply, each with its row."""
    answer = parse(completion.text)[found.declared.name]
    return [Filled(part[each[ROW] - 1], each[ITEM]) for each in answer]


def rest(text: str, lists: Sequence[LongList]) -> str:
    """Leave the rows of long lists out of a text, but for the first and last of each."""
    rows = [row for each in lists if len(each.items) > LONG for row in each.items[SHOWN:-SHOWN]]
    pieces: list[str] = []
    at = count = 0
    for row in sorted(rows, key=lambda row: row.start):
        if text[at : row.start].strip() or not count:
            pieces += [_left_out(count), text[at : row.start]]
            count = 0
        at, count = row.reach, count + 1
    return "".join([*pieces, _left_out(count), text[at:]])


def _left_out(count: int) -> str:
    return f"[{many(count, 'row')} left out]" if count else ""


def _said(found: LongList, row: Row) -> int:
    """Count the tokens that a row has in a request."""
    return TOKENS_A_ROW + len(_text(found, row).encode()) // BYTES_PER_TOKEN


def _needed(found: LongList, row: Row) -> int:
    """Count the tokens that its item may take in a reply: twice its row and the names."""
    names = sum(len(name) for name in found.declared.properties)
    return SAFETY * (_said(found, row) + names // BYTES_PER_TOKEN)


def _ends_a_part(found: LongList, row: Row) -> bool:
    return sha256(_text(found, row).encode()).digest()[0] % ENDS_A_PART == 0


def _text(found: LongList, row: Row) -> str:
    return found.group.sheet.text[row.start : row.reach].strip()


def _shown(found: LongList, part: Sequence[Row]) -> str:
    """Show rows with their numbers, below the head of their table and the heading of their section."""
    section = found.section_of(part[0])
    lines = [head(found, part[0].start), _text(found, section) if section else ""]
    for number, row in enumerate(part, 1):
        lines += [_between(found, part[number - 2], row)] if number > 1 else []
        lines.append(f"row {number}: {_text(found, row)}")
    return "\n".join(filter(None, lines))


def _between(found: LongList, before: Row, row: Row) -> str:
    """Give what stands between two rows, unless that are other rows."""
    if found.has_items_between(before, row):
        return ""
    said = found.group.sheet.text[before.reach : row.start].strip()
    return said if len(said) <= LONGEST_BETWEEN else ""


def _instruction(found: LongList, tool: ToolSchema, *, again: bool) -> str:
    name = json.dumps(found.declared.name, ensure_ascii=False)
    said = (
        f"{tool.description.rstrip('.')}. Use only what the document says. It is a part of a longer "
        f"document: some rows of the list {name}. Give an item for each numbered row that is one of the "
        "list, in their order, with the number of its row. Sums, what is carried over and headers are none."
    )
    return f"{said} These rows were left out before: look at each once more." if again else said
