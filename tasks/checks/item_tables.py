"""x-table: the arrays of a record whose items have a table of their own."""

from typing import Any

from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.subschemas import ITEM_TABLE, Schema, alternatives, types, walk, written

FIXED = ("position",)  # beside the key of the record's own table
VALUE = "value"  # the column of items that are no objects


def item_tables(tool: ToolSchema) -> dict[str, Schema]:
    """Give the arrays that have a table, by the property's name, each with the schema of its items."""
    marked: dict[str, Any] = tool.marked.get("properties", {})
    named = [name for name, rule in marked.items() if isinstance(rule, dict) and rule.get(ITEM_TABLE) is True]
    found = arrays(tool)
    return {name: found[name] for name in named if name in found}


def arrays(tool: ToolSchema) -> dict[str, Schema]:
    """Give all arrays of a record that may have a table, by the property's name, with their items' schema."""
    properties: dict[str, Any] = tool.parameters.get("properties", {})
    return {name: items for name, rule in properties.items() if (items := _items(rule)) is not None}


def columns_of(items: Schema) -> dict[str, Any]:
    """Give the columns of a table of items: their properties, or one column for what is no object."""
    properties = next((each["properties"] for each in alternatives(items) if "properties" in each), None)
    return properties if properties is not None else {VALUE: items}


def item_table_faults(tool: ToolSchema, key: str, max_name_bytes: int) -> list[str]:
    """List why a schema's arrays cannot have tables, below a typed table with this key."""
    wrong = []
    for at, found in walk(tool.marked):
        if ITEM_TABLE not in found:
            continue
        place = f"{tool.id}: {written(at) or '/'}: {ITEM_TABLE}"
        if not isinstance(found[ITEM_TABLE], bool):
            wrong.append(f"{place} must be true or false")
        elif found[ITEM_TABLE] and (len(at) != 2 or at[1] not in item_tables(tool)):
            wrong.append(f"{place} may stand at an array that is a property of the record alone")
    for name, items in item_tables(tool).items():
        wrong += [f"{tool.id}: {name}: {fault}" for fault in column_faults(items, key, max_name_bytes)]
    return wrong


def column_faults(items: Schema, key: str, max_name_bytes: int) -> list[str]:
    """List why items cannot have a table."""
    seen = {name.casefold(): "a column that every table of items has" for name in (key, *FIXED)}
    wrong = []
    for name in columns_of(items):
        if taken := seen.get(name.casefold()):
            wrong.append(f"{name!r} is the name of {taken}: rename it, or leave {ITEM_TABLE} out")
        if not name or "\0" in name or len(name.encode()) > max_name_bytes:
            wrong.append(f"a column's name has 1 to {max_name_bytes} bytes, not {len(name.encode())}")
        seen.setdefault(name.casefold(), f"property {name!r}, but for case")
    return wrong


def _items(rule: Any) -> Schema | None:
    """Give the schema of an array's items; None of what is no array, or says nothing of them."""
    for each in alternatives(rule):
        if isinstance(each.get("items"), dict) and set(types(each)) <= {"array", "null"}:
            return dict(each["items"])
    return None
