"""Documents that are no more, taken out of the results: what their outcomes were stays in the history."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete

from docmill.tasks.sinks.history import keep_earlier
from docmill.tasks.sinks.results import Results
from docmill.tasks.sinks.rows import chunks
from docmill.tasks.sinks.tables import FAILURES, OUTCOMES
from docmill.tasks.sinks.typed_rows import delete_rows

REMOVED = {"status": None}  # what no outcome has: so each is kept


def remove(results: Results, connection: Connection, documents: Sequence[str]) -> None:
    """Remove the outcomes of documents with all their typed rows, and what was counted of them."""
    now = datetime.now(UTC)
    for ids in chunks(documents):
        keep_earlier(connection, results._pipeline, [{"document_id": each, **REMOVED} for each in ids], now)
        for table in (OUTCOMES, FAILURES):
            these = table.c.pipeline == results._pipeline, table.c.document_id.in_(ids)
            connection.execute(delete(table).where(*these))
        for key in results._own.values():
            delete_rows(connection, key, ids)
