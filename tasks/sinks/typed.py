"""Typed tables: one for each extract schema, a column for each of its top-level properties."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Date, Double, Table, Text, inspect, text
from sqlalchemy import MetaData as Tables
from sqlalchemy.schema import CreateColumn
from sqlalchemy.types import TypeEngine

from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Into
from docmill.schemas.tool import ToolSchema
from docmill.tasks.sinks.tables import TYPED, Json

SCALARS: dict[str, type[TypeEngine[Any]]] = {
    "string": Text,
    "integer": BigInteger,
    "number": Double,
    "boolean": Boolean,
}


def table_name(pipeline: str, into: Into, schema: ToolSchema) -> str:
    """Name the table of a schema: the one that `into` names, or `<pipeline>__<schema>`."""
    return into.table or f"{pipeline}__{schema.id}".replace("-", "_")


def declared(pipeline: str, into: Into, schema: ToolSchema, key: TypeEngine[Any] | None) -> Table:
    """Declare the table of a schema; of one that is not created the key's type is not known."""
    name = table_name(pipeline, into, schema)
    fixed: list[Column[Any]] = [
        Column(into.key, key or Text(), primary_key=True, autoincrement=False),
        Column("content_sha256", Text),
        Column("run_id", Text, nullable=False),
    ]
    properties: Mapping[str, Any] = schema.parameters.get("properties", {})
    own: list[Column[Any]] = [Column(column, column_type(rule)) for column, rule in properties.items()]
    return Table(name, Tables(), *fixed, *own)


def owned(connection: Connection, pipeline: str) -> dict[str, Column[Any]]:
    """Find every typed table of a pipeline's, with its key column: also those that it no longer declares."""
    keys = {}
    for row in connection.execute(TYPED.select().where(TYPED.c.pipeline == pipeline)).all():
        if inspect(connection).has_table(row.name):  # somebody may have dropped it
            types = {each["name"]: each["type"] for each in inspect(connection).get_columns(row.name)}
            keys[row.name] = Column(row.key, types[row.key], primary_key=True)
            Table(row.name, Tables(), keys[row.name])
    return keys


def column_type(rule: Any) -> TypeEngine[Any]:
    """Choose a property's column: a scalar's own, nullable or not, DATE for its format, else JSON."""
    scalar, form = _scalar(rule)
    if scalar == "string" and form == "date":
        return Date()
    return SCALARS[scalar]() if scalar in SCALARS else Json


def row(table: Table, record: Mapping[str, Any]) -> dict[str, Any]:
    """Make a record's values what its table's columns take; a property that is absent is NULL."""
    own = list(table.columns)[3:]
    return {column.name: _value(column, record.get(column.name)) for column in own}


def ensure(connection: Connection, pipeline: str, table: Table) -> bool:
    """Create a typed table, or add the columns that it lacks; says whether it is new.

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
        connection.execute(TYPED.insert().values(name=table.name, pipeline=pipeline, key=key))
    if exists:
        _add_columns(connection, table)
    else:
        table.create(connection)
    return not exists


def _scalar(rule: Any) -> tuple[str | None, str | None]:
    """Find the one scalar type of a property, and its format; null beside it makes no difference."""
    if not isinstance(rule, dict):
        return None, None
    kinds = rule.get("type")
    if kinds is None and (branches := rule.get("anyOf") or rule.get("oneOf")):
        others = [each for each in branches if each != {"type": "null"}]
        return _scalar(others[0]) if len(others) == 1 else (None, None)
    others = [kind for kind in ([kinds] if isinstance(kinds, str) else kinds or []) if kind != "null"]
    return (others[0], rule.get("format")) if len(others) == 1 else (None, None)


def _value(column: Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, Date):
        return date.fromisoformat(value)
    # 3.0 is an integer to JSON Schema.
    return int(value) if isinstance(column.type, BigInteger) else value


def _add_columns(connection: Connection, table: Table) -> None:
    dialect = connection.dialect
    there = {column["name"]: column["type"] for column in inspect(connection).get_columns(table.name)}
    quoted = dialect.identifier_preparer.format_table(table)
    for column in table.columns:
        if column.name not in there:
            added = CreateColumn(column).compile(dialect=dialect)
            connection.execute(text(f"ALTER TABLE {quoted} ADD COLUMN {added}"))
            continue
        was, wanted = there[column.name].compile(dialect), column.type.compile(dialect)
        if was != wanted and column.primary_key:
            raise ConfigError(
                f"into: the key {column.name} of {table.name} is {was}, and the documents' ids are {wanted}: "
                "name another table"
            )
        if was != wanted:
            raise ConfigError(
                f"into: the column {column.name} of {table.name} is {was}, and the schema asks for {wanted}: "
                "rename the property, or the schema's file"
            )
