"""Typed tables: one for each extract schema, a column for each of its top-level properties."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, Column, Connection, Double, Table, Text, inspect
from sqlalchemy import MetaData as Tables
from sqlalchemy.types import TypeEngine

from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.sinks import items
from docmill.tasks.sinks.column_types import Exact, column_type, stored
from docmill.tasks.sinks.reflection import AddColumn, reflected_columns
from docmill.tasks.sinks.tables import TYPED, Json

Row = dict[str, Any]


def table_name(pipeline: str, into: Into, schema: ToolSchema) -> str:
    """Name the table of a schema: the one that `into` names, or `<pipeline>__<schema>`."""
    return into.table or f"{pipeline}__{schema.id}".replace("-", "_")


def declared(pipeline: str, into: Into, schema: ToolSchema, key: TypeEngine[Any] | None) -> Table:
    """Declare the table of a schema; of one that is not created the key's type is not known."""
    name = table_name(pipeline, into, schema)
    fixed: list[tuple[str, TypeEngine[Any]]] = [
        (into.key, key or Text()),
        ("content_sha256", Text()),
        ("run_id", Text()),
    ]
    properties: Mapping[str, Any] = schema.parameters.get("properties", {})
    own = [(column, column_type(rule)) for column, rule in properties.items()]
    columns = [_column(number, *each) for number, each in enumerate([*fixed, *own])]
    of_items = items.declared(name, into.key, key or Text(), schema)
    return Table(name, Tables(), *columns, quote=True, info={items.ITEMS: of_items})


def _column(number: int, name: str, kind: TypeEngine[Any]) -> Column[Any]:
    # Its values are bound by a name of our own: SQLAlchemy writes the signs of a bind name as letters
    # and underscores, so that `unit price` and `unit_price` would be one value.
    primary, required = number == 0, number == 2
    return Column(
        name,
        kind,
        key=f"c{number}",
        quote=True,
        primary_key=primary,
        autoincrement=False,
        nullable=not (primary or required),
    )


def owned(connection: Connection, pipeline: str) -> dict[str, Column[Any]]:
    """Find every typed table of a pipeline's, with its key column: also those that it no longer declares."""
    keys = {}
    for row in connection.execute(TYPED.select().where(TYPED.c.pipeline == pipeline)).all():
        if inspect(connection).has_table(row.name):  # somebody may have dropped it, or renamed its key
            types = reflected_columns(connection, row.name)
            if row.key in types:
                keys[row.name] = _column(0, row.key, types[row.key])
                Table(row.name, Tables(), keys[row.name], quote=True, info={items.PARENT: row.parent})
    return keys


def row(table: Table, key: Any, content_sha256: str | None, run_id: str, record: Mapping[str, Any]) -> Row:
    """Make a record's row, by the names that its table's values are bound by; what is absent is NULL."""
    columns = list(table.columns)
    values = [
        key,
        content_sha256,
        run_id,
        *(stored(each.type, record.get(each.name)) for each in columns[3:]),
    ]
    return dict(zip((each.key for each in columns), values, strict=True))


def ensure(connection: Connection, pipeline: str, table: Table) -> bool:
    """Create a typed table and those of its items, or add the columns that they lack; says whether it is new.

    No column is ever dropped. Raises ConfigError where the table is not docmill's, is another
    pipeline's, or has a column of another type.
    """
    key = next(iter(table.primary_key.columns)).name
    owner = connection.execute(TYPED.select().where(TYPED.c.name == table.name)).one_or_none()
    exists = inspect(connection).has_table(table.name)
    if owner and owner.pipeline != pipeline:
        raise ConfigError(f"into: the table {table.name} is the pipeline {owner.pipeline}'s: name another")
    if exists and owner is None:
        raise ConfigError(f"into: the table {table.name} was not created by docmill: name another")
    if owner and owner.key != key:
        raise ConfigError(f"into: the table {table.name} has the key {owner.key}, not {key}")
    if owner is None:
        own = {"name": table.name, "pipeline": pipeline, "key": key, "parent": table.info.get(items.PARENT)}
        connection.execute(TYPED.insert().values(own))
    if exists:
        _add_columns(connection, table)
    else:
        table.create(connection)
    for each in table.info.get(items.ITEMS, {}).values():
        ensure(connection, pipeline, each)
    return not exists


def _add_columns(connection: Connection, table: Table) -> None:
    dialect = connection.dialect
    there = reflected_columns(connection, table.name)
    for column in table.columns:
        if column.name not in there and column.primary_key:
            raise ConfigError(
                f"into: the table {table.name} has no column {column.name}, its key: rename it back, or name "
                "another table"
            )
        if column.name not in there:
            connection.execute(AddColumn(column))
            continue
        was, wanted = there[column.name].compile(dialect), column.type.compile(dialect)
        if was == wanted:
            continue
        if column.primary_key:
            raise ConfigError(
                f"into: the key {column.name} of {table.name} is {was}, and the documents' ids are {wanted}: "
                "name another table"
            )
        if not _holds(there[column.name], column.type):
            raise ConfigError(
                f"into: the column {column.name} of {table.name} is {was}, and the schema asks for {wanted}: "
                "rename the property, or the schema's file"
            )
        column.type = Json if isinstance(there[column.name], JSON) else there[column.name]


def _holds(there: TypeEngine[Any], wanted: TypeEngine[Any]) -> bool:
    """Tell whether a column that an earlier version made takes what it would be made for today."""
    return isinstance(there, JSON) or (isinstance(there, Double) and isinstance(wanted, Exact))
