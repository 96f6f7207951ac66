"""A results database of an earlier version: it gains the columns that have come since."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, inspect

from docmill.tasks.sinks.bundle_tables import BUNDLES
from docmill.tasks.sinks.database_id import give_id
from docmill.tasks.sinks.reflection import AddColumn
from docmill.tasks.sinks.tables import METADATA
from docmill.tasks.sinks.work_tables import WORK

assert BUNDLES.metadata is WORK.metadata is METADATA  # all tables are declared once this is imported


def upgrade(connection: Connection) -> None:
    """Create the tables, columns and the id that are missing."""
    METADATA.create_all(connection)
    for table in METADATA.sorted_tables:
        there = set(present(connection, table))
        for column in (each for each in table.columns if each not in there):
            connection.execute(AddColumn(column))
    give_id(connection)


def present(connection: Connection, table: Table) -> Sequence[Column[Any]]:
    """List the columns of a table that are in the database; none where it has no such table."""
    if not inspect(connection).has_table(table.name):
        return []
    names = {each["name"] for each in inspect(connection).get_columns(table.name)}
    return [column for column in table.columns if column.name in names]
