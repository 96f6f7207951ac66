"""Rows that DuckDB takes at once, as one text of JSON: one after the other each takes it milliseconds."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    Integer,
    Numeric,
    Table,
    Time,
    Uuid,
)
from sqlalchemy.exc import StatementError
from sqlalchemy.types import TypeEngine

from docmill.tasks.sinks.column_types import DUCKDB_DECIMAL, Exact, is_held
from docmill.tasks.sinks.encoding import dumps

Row = Mapping[str, Any]
# Of two parameters: the rows as a list of objects, and its structure.
SOURCE = "SELECT row.* FROM (SELECT unnest(from_json_strict(?, ?)) AS row)"
KINDS: dict[type[TypeEngine[Any]], str] = {
    JSON: "JSON",
    Boolean: "BOOLEAN",
    Integer: "BIGINT",
    BigInteger: "BIGINT",
    Double: "DOUBLE",
    Exact: DUCKDB_DECIMAL,
    Numeric: DUCKDB_DECIMAL,
    DateTime: "TIMESTAMPTZ",
    Date: "DATE",
    Time: "TIME",
    Uuid: "UUID",
}


def kind_of(kind: TypeEngine[Any]) -> str:
    """Choose DuckDB's type for a column's; a text where there is no other."""
    return next((name for own, name in KINDS.items() if isinstance(kind, own)), "VARCHAR")


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[Row], *, replacing: bool = False
) -> None:
    """Insert rows that have the same keys; `replacing`: in the place of those with their primary keys.

    Raises SQLAlchemyError, also for a number that the column would round.
    """
    columns = [column for column in table.columns if column.key in rows[0]]
    quoted = connection.dialect.identifier_preparer.quote_identifier
    statement = (
        f"INSERT INTO {quoted(table.name)} ({', '.join(quoted(each.name) for each in columns)}) {SOURCE}"
    )
    if replacing:
        primary = [each.name for each in table.primary_key.columns]
        others = [each.name for each in table.columns if not each.primary_key]
        values = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in others)
        statement += f" ON CONFLICT ({', '.join(map(quoted, primary))}) DO UPDATE SET {values}"
        # It takes no row twice in one statement.
        keys = [each.key for each in table.primary_key.columns]
        rows = list({tuple(row[key] for key in keys): row for row in rows}.values())
    try:
        given = _written(columns, rows)
    except ValueError as error:
        raise StatementError(str(error), statement, None, error) from None
    structure = {f"c{at}": _taken_as(each.type) for at, each in enumerate(columns)}
    connection.exec_driver_sql(statement, (given, json.dumps([structure])))


def _written(columns: Sequence[Column[Any]], rows: Iterable[Row]) -> str:
    writers = [(f"c{at}", each.key, _writer(each.type)) for at, each in enumerate(columns)]
    told = [
        {name: None if row[key] is None else write(row[key]) for name, key, write in writers} for row in rows
    ]
    return json.dumps(told, ensure_ascii=False, default=_as_text)


def _taken_as(kind: TypeEngine[Any]) -> str:
    """Choose what a value of a column is read as; JSON stays the text that it is."""
    if isinstance(kind, DateTime) and not kind.timezone:
        return "TIMESTAMP"
    return "VARCHAR" if isinstance(kind, JSON) else kind_of(kind)


def _writer(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    if isinstance(kind, JSON):
        return dumps
    return _digits if isinstance(kind, Exact) else _itself


def _itself(value: Any) -> Any:
    return value


def _digits(value: Any) -> str:
    number = Decimal(value)
    if not is_held(number):
        raise ValueError(f"no {DUCKDB_DECIMAL}")
    return format(number, "f")


def _as_text(value: object) -> str:
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
    raise TypeError(type(value).__name__)
