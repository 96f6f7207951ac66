"""A typed table read for an export: its columns' types, and its rows as they stand."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Table, inspect, select

from docmill.schemas.errors import ConfigError
from docmill.tasks.sinks.formats.export import Export
from docmill.tasks.sinks.items import rows_of, table_name, table_of
from docmill.tasks.sinks.reflection import reflected_table
from docmill.tasks.sinks.results import Results

KEY_COLUMNS = 2  # the id, and in a table of items their position


def stored_table(results: Results, name: str) -> Export:
    """Give a table by its name, ordered by its key; raises ConfigError where there is none."""
    with results._failing(), results._engine.connect() as connection:
        if not inspect(connection).has_table(name):
            raise ConfigError(f"--table: there is no table {name} yet: `docmill run` the pipeline first")
        table = reflected_table(connection, name)
    return Export({column.name: column.type for column in table.columns}, _rows(results, table))


def items_apart(results: Results, parent: str, name: str, properties: Mapping[str, Any]) -> Export:
    """Give a row an item of an array that has no table: read from the typed table's column of that name."""
    whole = stored_table(results, parent)
    key, kind = next(iter(whole.columns.items()))
    table = table_of(table_name(parent, name), parent, key, kind, properties)
    rows = (
        {column.name: row[column.key] for column in table.columns}
        for record in whole.rows
        for row in rows_of(table, record[key], record[name] or ())
    )
    return Export({column.name: column.type for column in table.columns}, rows)


def _rows(results: Results, table: Table) -> Iterator[Mapping[str, Any]]:
    keys = list(table.columns)[:KEY_COLUMNS]
    for row in results._rows(select(table).order_by(*keys)):
        yield row._mapping
