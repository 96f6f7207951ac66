"""The rows of typed tables: replaced with a document's outcome, and filled from those that are stored."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Table, column, delete, func, select

from docmill.schemas.outcome import Outcome
from docmill.tasks.sinks import typed
from docmill.tasks.sinks.items import PARENT, replace_items
from docmill.tasks.sinks.keys import native
from docmill.tasks.sinks.rows import chunks, upsert


@dataclass(frozen=True)
class Filled:
    """A typed table with the rows that a run has written, `rows`, and those that it has in all."""

    table: str
    rows: int
    rows_in_all: int


class Made(NamedTuple):
    """A record that a run has made of a document."""

    content_sha256: str | None
    run_id: str
    record: Mapping[str, Any]


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
    outcomes: Iterable[Outcome],
    run_id: str,
) -> None:
    """Write the records of done outcomes, and remove their rows from the pipeline's other typed tables.

    `tables` are by the schemas' names; `own` is the key column of every typed table, by the table's name.
    """
    last = {outcome.document_id: outcome for outcome in outcomes}
    declared = {table.name: table for table in tables.values()}
    wanted: defaultdict[str, dict[str, Made]] = defaultdict(dict)
    for outcome in last.values():
        for schema, record in outcome.typed.items():
            made = Made(outcome.content_sha256, run_id, record)
            wanted[tables[schema].name][outcome.document_id] = made
    for name, key in own.items():
        others = [document_id for document_id in last if document_id not in wanted.get(name, ())]
        delete_rows(connection, key, others)
    for name, records in wanted.items():
        _write(
            connection, declared[name], [(native(own[name].type, id_), each) for id_, each in records.items()]
        )


def fill(connection: Connection, table: Table, key: Column[Any], rows: Iterable[Any]) -> None:
    """Write the records of stored outcomes into a table; those of another source are left out."""
    keyed = []
    for row in rows:
        with suppress(ValueError):
            made = Made(row.content_sha256, row.run_id, row.record)
            keyed.append((native(key.type, row.document_id), made))
    for some in chunks(keyed):
        _write(connection, table, some)


def _write(connection: Connection, table: Table, keyed: Sequence[tuple[Any, Made]]) -> None:
    rows = [typed.row(table, key, each.content_sha256, each.run_id, each.record) for key, each in keyed]
    upsert(connection, table, rows)
    replace_items(connection, table, {key: each.record for key, each in keyed})


def delete_rows(connection: Connection, key: Column[Any], documents: Iterable[str]) -> None:
    """Delete the rows of documents from the typed table that has this key column."""
    values = []
    for document_id in documents:
        with suppress(ValueError):  # a table of other keys has no such row
            values.append(native(key.type, document_id))
    for some in chunks(values):
        connection.execute(delete(key.table).where(key.in_(some)))


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
