"""What an outcome was before it changed: kept in the transaction that changes it, read by `report`."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, insert, literal, select

from docmill.tasks.sinks.database import failing
from docmill.tasks.sinks.encoding import dumps
from docmill.tasks.sinks.rows import Row, upsert
from docmill.tasks.sinks.runs import runs_of
from docmill.tasks.sinks.tables import HISTORY, OUTCOMES
from docmill.tasks.sinks.upgrade import present

# An outcome that differs in one of these is another one; in its costs or its run alone it is not.
WATCHED = ("content_sha256", "pipeline_sha256", "status", "record", "label", "summary", "error")


def keep_earlier(connection: Connection, pipeline: str, rows: Iterable[Row], now: datetime) -> None:
    """Copy the outcomes that these rows will change, as they stand, into docmill_history.

    A row has its document_id, and may lack columns that do not change.
    """
    given = {row["document_id"]: row for row in rows}
    of_them = OUTCOMES.c.pipeline == pipeline, OUTCOMES.c.document_id.in_(given)
    watched = [OUTCOMES.c.document_id, *(OUTCOMES.c[name] for name in WATCHED)]
    stored = connection.execute(select(*watched).where(*of_them)).mappings()
    changed = [row["document_id"] for row in map(dict, stored) if _differs(row, given[row["document_id"]])]
    if not changed:
        return
    columns = [column.name for column in OUTCOMES.columns]
    earlier = select(*OUTCOMES.columns, literal(now, HISTORY.c.replaced_at.type)).where(
        OUTCOMES.c.pipeline == pipeline, OUTCOMES.c.document_id.in_(changed)
    )
    connection.execute(insert(HISTORY).from_select([*columns, "replaced_at"], earlier))


def put(connection: Connection, pipeline: str, rows: Sequence[Row], now: datetime) -> None:
    """Put whole outcomes into the place of those that are stored, whose earlier forms are kept."""
    if rows:
        keep_earlier(connection, pipeline, rows, now)
        upsert(connection, OUTCOMES, rows)


def _differs(stored: Row, given: Row) -> bool:
    return any(name in given and stored[name] != _as_stored(given[name]) for name in WATCHED)


def _as_stored(value: Any) -> Any:
    """Give a value as it is read again: of a record what JSON makes of it."""
    return json.loads(dumps(value)) if isinstance(value, dict) else value


class History:
    """The forms of one pipeline's outcomes, and its runs; raises StorageError where the database fails."""

    def __init__(self, engine: Engine, pipeline: str, url: str) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._url = url

    def forms(self, document_id: str) -> Sequence[Row]:
        """Give the forms of a document's outcome, the oldest first, and last the one that stands.

        An earlier form has `replaced_at`; the database of an earlier version has none.
        """
        with self._reading() as connection:
            return [*self._of(connection, HISTORY, document_id), *self._of(connection, OUTCOMES, document_id)]

    def runs(self) -> Sequence[Row]:
        """Give the rows of the pipeline's runs, the newest first."""
        with self._reading() as connection:
            return runs_of(connection, self._pipeline)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with failing(self._url), self._engine.connect() as connection:
            yield connection.execution_options(reading=True)

    def _of(self, connection: Connection, table: Table, document_id: str) -> list[Row]:
        columns = present(connection, table)
        if not columns:
            return []
        query = select(*columns).where(table.c.pipeline == self._pipeline, table.c.document_id == document_id)
        query = query.order_by(HISTORY.c.replaced_at) if table is HISTORY else query
        return [dict(row) for row in connection.execute(query).mappings()]
