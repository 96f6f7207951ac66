"""The columns of a table as they stand in the database, with their types, and one more of them."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    Float,
    MetaData,
    Numeric,
    Table,
    Text,
    inspect,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeEngine

from docmill.tasks.sinks.column_types import Exact

DUCKDB_TYPES: dict[str, TypeEngine[Any]] = {
    "VARCHAR": Text(),
    "BIGINT": BigInteger(),
    "BOOLEAN": Boolean(),
    "DATE": Date(),
    "DOUBLE": Double(),
    "JSON": JSON(none_as_null=True),
    "TIMESTAMP": DateTime(),
    "TIMESTAMP WITH TIME ZONE": DateTime(timezone=True),
}
DUCKDB_COLUMNS = text(
    "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = :name AND schema_name = "
    "current_schema() ORDER BY column_index"
)


class AddColumn(ExecutableDDLElement):
    """ALTER TABLE … ADD COLUMN, which SQLAlchemy has no element of."""

    def __init__(self, column: Column[Any]) -> None:
        self.column = column


@compiles(AddColumn)
def _add_column(element: AddColumn, compiler: DDLCompiler, **_: Any) -> str:
    table = compiler.preparer.format_table(element.column.table)
    return f"ALTER TABLE {table} ADD COLUMN {compiler.process(CreateColumn(element.column))}"


def reflected_table(connection: Connection, name: str) -> Table:
    """Give a table to be read as it stands in the database."""
    there = reflected_columns(connection, name)
    columns = [Column(column, _read_as(kind), quote=True) for column, kind in there.items()]
    return Table(name, MetaData(), *columns, quote=True)


def reflected_columns(connection: Connection, table: str) -> dict[str, TypeEngine[Any]]:
    """Give a table's columns by their names, in their order."""
    if connection.dialect.name != "duckdb":
        return {each["name"]: each["type"] for each in inspect(connection).get_columns(table)}
    # Its dialect reads JSON as a text, and a DOUBLE as a FLOAT.
    rows = connection.execute(DUCKDB_COLUMNS, {"name": table})
    return {name: _duckdb_type(kind) for name, kind in rows}


def _duckdb_type(kind: str) -> TypeEngine[Any]:
    return Exact() if kind.startswith("DECIMAL") else DUCKDB_TYPES.get(kind, Text())


def _read_as(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Read decimals with all their digits: SQLAlchemy's own type would round those of SQLite."""
    return Exact() if isinstance(kind, Numeric) and not isinstance(kind, Float) else kind
