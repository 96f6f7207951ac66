"""Numbers that a database's columns do not hold: known before anything is written, and of whom."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Table

from docmill.tasks.sinks import items, typed
from docmill.tasks.sinks.column_types import DUCKDB_DECIMAL, Exact, is_held

Record = Mapping[str, Any]


def unheld(dialect: str, tables: Mapping[str, Table], records: Mapping[str, Record]) -> str | None:
    """Say which property of a document's records, by their schemas, no column holds; None where all are held.

    DuckDB alone has decimals of one size.
    """
    if dialect != "duckdb":
        return None
    for schema, record in records.items():
        for table, rows in _written(tables[schema], record):
            exact = [column for column in table.columns if isinstance(column.type, Exact)]
            for row in rows if exact else ():
                for column in exact:
                    if row[column.key] is not None and not is_held(row[column.key]):
                        return (
                            f"{column.name}: the number does not fit into {table.name}, whose decimals are "
                            f"{DUCKDB_DECIMAL} in DuckDB: SQLite and PostgreSQL hold it"
                        )
    return None


def _written(table: Table, record: Record) -> Iterator[tuple[Table, Iterator[Record]]]:
    """Give the rows of a record and of its items, each with their table."""
    yield table, iter([typed.row(table, None, None, "", record)])
    for name, of_items in table.info.get(items.ITEMS, {}).items():
        yield of_items, items.rows_of(of_items, None, record.get(name) or ())
