"""Tables of items: a row for each item of an array of a record, beside the record's own row."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Table, delete
from sqlalchemy import MetaData as Tables
from sqlalchemy.types import TypeEngine

from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.item_tables import VALUE, columns_of, item_tables
from docmill.tasks.sinks.column_types import column_type, stored
from docmill.tasks.sinks.rows import chunks, insert

ITEMS = "items"  # of a typed table's `info`: the tables of its items, by the property's name
PARENT = "parent"  # of a table of items' `info`: the name of the typed table
FIXED_COLUMNS = 2


def table_name(parent: str, name: str) -> str:
    """Name the table of an array's items."""
    return f"{parent}__{name}"


def declared(parent: str, key: str, kind: TypeEngine[Any], schema: ToolSchema) -> dict[str, Table]:
    """Declare the tables of a schema's items: the record's key, the position from 0, and the columns."""
    return {
        name: table_of(table_name(parent, name), parent, key, kind, columns_of(items))
        for name, items in item_tables(schema).items()
    }


def table_of(name: str, parent: str, key: str, kind: TypeEngine[Any], properties: Mapping[str, Any]) -> Table:
    """Declare the table of an array's items, whose columns are these properties."""
    own = [(column, column_type(rule)) for column, rule in properties.items()]
    given = enumerate([(key, kind), ("position", BigInteger()), *own])
    # Bound by names of our own, as those of typed tables.
    columns = [
        Column(
            column,
            each,
            key=f"c{number}",
            quote=True,
            primary_key=number < FIXED_COLUMNS,
            autoincrement=False,
            nullable=number >= FIXED_COLUMNS,
        )
        for number, (column, each) in given
    ]
    return Table(name, Tables(), *columns, quote=True, info={PARENT: parent})


def replace_items(connection: Connection, table: Table, records: Mapping[Any, Mapping[str, Any]]) -> None:
    """Put the items of records, by their keys, in the place of those that are stored under these."""
    tables: Mapping[str, Table] = table.info.get(ITEMS, {})
    for name, items in tables.items():
        for keys in chunks(list(records)):
            connection.execute(delete(items).where(items.c.c0.in_(keys)))
        rows = [row for key, record in records.items() for row in rows_of(items, key, record.get(name) or ())]
        if rows:
            insert(connection, items, rows)


def rows_of(table: Table, key: Any, items: Any) -> Iterator[dict[str, Any]]:
    """Make the rows of a record's items, by the names that their table's values are bound by."""
    own = list(table.columns)[FIXED_COLUMNS:]
    is_bare = [column.name for column in own] == [VALUE]
    for position, item in enumerate(items):
        values = item if isinstance(item, dict) else {VALUE: item} if is_bare else {}
        row = {column.key: stored(column.type, values.get(column.name)) for column in own}
        yield {"c0": key, "c1": position, **row}
