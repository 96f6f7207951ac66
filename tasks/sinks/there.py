"""The columns of a table as they stand in the database, with their types."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Connection, Date, DateTime, Double, Text, inspect, text
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


def columns_there(connection: Connection, table: str) -> dict[str, TypeEngine[Any]]:
    """Give a table's columns by their names, in their order."""
    if connection.dialect.name != "duckdb":
        return {each["name"]: each["type"] for each in inspect(connection).get_columns(table)}
    # Its dialect reads JSON as a text, and a DOUBLE as a FLOAT.
    rows = connection.execute(DUCKDB_COLUMNS, {"name": table})
    return {name: _duckdb_type(kind) for name, kind in rows}


def _duckdb_type(kind: str) -> TypeEngine[Any]:
    return Exact() if kind.startswith("DECIMAL") else DUCKDB_TYPES.get(kind, Text())
