"""The rows of typed tables: replaced with a document's outcome, and filled from those that are stored."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Table, column, delete, func, select

from docmill.schemas.outcome import Outcome
from docmill.tasks.sinks import typed
from docmill.tasks.sinks.items import PARENT, replace_items
from docmill.tasks.sinks.keys import native
from docmill.tasks.sinks.rows import upsert


@dataclass(frozen=True)
class Filled:
    """A typed table with the rows that a run has written, `rows`, and those that it has in all."""

    table: str
    rows: int
    rows_in_all: int


def filled(connection: Connection, tables: Iterable[Table], run_id: str) -> list[Filled]:
    """Count the rows of those tables that a run has written to."""
    counts = []
    for table in {table.name: table for table in tables}.values():
        by = next(each for each in table.columns if each.name == "run_id")
        mine = select(func.count()).select_from(table)
        if rows := connection.execute(mine.where(by == run_id)).scalar_one():
            counts.append(Filled(table.name, rows, connection.execute(mine).scalar_one()))
    return counts


def replace_rows(
    connection: Connection,
    tables: Mapping[str, Table],
    own: Mapping[str, Column[Any]],
    outcome: Outcome,
    run_id: str,
) -> None:
    """Write the records of a done outcome, and remove its rows from the pipeline's other typed tables.

    `tables` are by the schemas' names; `own` is the key column of every typed table, by the table's name.
    """
    wanted = {tables[name].name: (tables[name], record) for name, record in outcome.typed.items()}
    delete_rows(connection, {name: own[name] for name in own if name not in wanted}, outcome.document_id)
    for name, (table, record) in wanted.items():
        value = native(own[name].type, outcome.document_id)
        row = typed.row(table, value, outcome.content_sha256, run_id, record)
        upsert(connection, table, [row])
        replace_items(connection, table, value, record)


def delete_rows(connection: Connection, own: Mapping[str, Column[Any]], document_id: str) -> None:
    """Delete a document's rows from these typed tables."""
    for key in own.values():
        with suppress(ValueError):  # a table of other keys has no such row
            value = native(key.type, document_id)
            connection.execute(delete(key.table).where(key == value))


def fill(connection: Connection, table: Table, key: Column[Any], rows: Iterable[Any]) -> None:
    """Write the records of stored outcomes into a table; those of another source are left out."""
    for row in rows:
        with suppress(ValueError):
            value = native(key.type, row.document_id)
            upsert(connection, table, [typed.row(table, value, row.content_sha256, row.run_id, row.record)])
            replace_items(connection, table, value, row.record)


def remove_rows(
    connection: Connection, own: Mapping[str, Column[Any]], document_id: str, content_sha256: str | None
) -> None:
    """Remove the typed rows that were made of this content of a document, and those of their items."""
    of_content = column("content_sha256") == content_sha256
    items = {name: key for name, key in own.items() if key.table.info.get(PARENT)}
    for name, key in own.items():
        if name in items:
            continue
        with suppress(ValueError):  # a table of other keys has no such row
            value = native(key.type, document_id)
            removed = connection.execute(delete(key.table).where(key == value, of_content)).rowcount
            for each in items.values():
                if removed and each.table.info[PARENT] == name:
                    connection.execute(delete(each.table).where(each == value))
