"""The small request that asks which column of a table stands for which property of an array's items."""

from bisect import bisect_right
from typing import Any

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.steps import StepOptions
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.checks.lists.declared import alternatives
from docmill.tasks.checks.lists.filling import Columns
from docmill.tasks.checks.lists.found import LongList
from docmill.tasks.steps import prompt

FIRST_ROWS = 5
LONGEST_HEAD, LONGEST_CELL = 2_000, 80  # characters
NONE = "none"
ROWS, COLUMNS = "rows_are_items", "columns"
TOKENS, TOKENS_A_PROPERTY = 128, 24


def column_tool(found: LongList) -> ToolSchema:
    """Make the tool that takes a column, or none, for each property, where cells can hold all of them."""
    properties: dict[str, Any] = {
        ROWS: {
            "type": "boolean",
            "description": "Whether the rows of this table are the items that are asked for",
        }
    }
    if found.has_columns:
        names = [*(_name(number) for number in range(found.group.columns)), NONE]
        each = {name: _choice(schema, names) for name, schema in found.declared.properties.items()}
        properties[COLUMNS] = _object(each)
    said = "Say which column of a table stands for which property."
    return ToolSchema(id="columns", name="name_columns", description=said, parameters=_object(properties))


def column_request(found: LongList, options: StepOptions, tool: ToolSchema, target: Target) -> bytes:
    """Build the body that shows the head of a table and its first rows; `tool` is that of the record."""
    wanted = column_tool(found)
    message = prompt.turn(_shown(found), _instruction(found, tool), options)
    most = TOKENS + TOKENS_A_PROPERTY * len(found.declared.properties)
    return prompt.body(target, [message], options, max_tokens=most, tool=wanted)


def named_columns(completion: Completion) -> tuple[bool, Columns]:
    """Read whether the rows are items, and the column of each property, from 0, where that was asked."""
    answer = parse(completion.text)
    columns = answer.get(COLUMNS, {})
    return answer[ROWS], {name: _number(each) for name, each in columns.items()}


def head(found: LongList, at: int = 0) -> str:
    """Give what stands above a table's rows: the heading above a place in it, and its header."""
    group = found.group
    piece = max(0, bisect_right(group.heads, at) - 1)
    header = group.sheet.text[group.heads[0] : group.rows[0].start].strip("\n")[:LONGEST_HEAD]
    return "\n".join(filter(None, (group.headings[piece], header)))


def _shown(found: LongList) -> str:
    group = found.group
    rows = group.rows[:FIRST_ROWS]
    lines = [group.sheet.text[row.start : row.reach] for row in rows]
    columns = [f"{_name(number)}: " + " | ".join(_cells(found, number)) for number in range(group.columns)]
    return "\n".join([head(found), *lines, "", *(columns if found.has_columns else [])]).rstrip()


def _cells(found: LongList, number: int) -> list[str]:
    group = found.group
    header = [group.header[number]] if number < len(group.header) else []
    cells = [*header, *(group.said(row, number) for row in found.items[:FIRST_ROWS])]
    return [" ".join(cell.split())[:LONGEST_CELL] for cell in cells]


def _instruction(found: LongList, tool: ToolSchema) -> str:
    array = next(iter(alternatives(tool.parameters["properties"][found.declared.name])))
    about = f" ({array['description'].rstrip('.')})" if array.get("description") else ""
    asked = (
        "These are the head and the first rows of a table in a longer document. "
        f"A record of that document is asked for: {tool.description.rstrip('.')}. "
        f"Say whether the rows of this table are the items of its array {found.declared.name}{about}."
    )
    if not found.has_columns:
        return asked
    return (
        f"{asked} For each property of an item name the column that has its value, or {NONE} where none "
        "has. No column stands for two properties."
    )


def _choice(schema: Any, names: list[str]) -> dict[str, Any]:
    said = next((part["description"] for part in alternatives(schema) if part.get("description")), None)
    return {"type": "string", "enum": names, **({"description": said} if said else {})}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _name(number: int) -> str:
    return f"column_{number + 1}"


def _number(name: str) -> int | None:
    return None if name == NONE else int(name.removeprefix("column_")) - 1
