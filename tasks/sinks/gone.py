"""Outcomes of documents that are no longer in their source: counted, marked or removed."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select, update

from docmill.schemas.bundle import file_of
from docmill.schemas.pipeline import Gone
from docmill.tasks.sinks.bundle_tables import BUNDLES
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.removing import remove
from docmill.tasks.sinks.rows import chunks
from docmill.tasks.sinks.tables import OUTCOMES


def settle(results: ReviewedResults, gone: Gone, is_there: Callable[[str], bool]) -> int:
    """Do what `gone` says with outcomes of documents that are not there; gives how many are not.

    A document that is there again loses its mark. Raises StorageError.
    """
    missing, back = [], []
    query = select(OUTCOMES.c.document_id, OUTCOMES.c.gone_at).where(OUTCOMES.c.pipeline == results._pipeline)
    for document_id, gone_at in results._rows(query):
        if not is_there(document_id):
            missing.append(document_id)
        elif gone_at is not None:
            back.append(document_id)
    with results._writing() as connection:
        _mark(results, connection, back, None)
        if gone == "mark":
            _mark(results, connection, missing, datetime.now(UTC))
        if gone == "remove":
            remove(results, connection, missing)
            _forget(results, connection, missing)
    return len(missing)


def _mark(
    results: ReviewedResults, connection: Connection, documents: Sequence[str], at: datetime | None
) -> None:
    """Say of documents that they are gone since then; one that was marked before keeps its time."""
    for ids in chunks(documents):
        own = OUTCOMES.c.pipeline == results._pipeline, OUTCOMES.c.document_id.in_(ids)
        unmarked = [OUTCOMES.c.gone_at.is_(None)] if at else []
        connection.execute(update(OUTCOMES).where(*own, *unmarked).values(gone_at=at))


def _forget(results: ReviewedResults, connection: Connection, documents: Sequence[str]) -> None:
    """Forget how files were divided that are gone: their documents are, or they are themselves."""
    files = list(dict.fromkeys(map(file_of, documents)))
    for ids in chunks(files):
        own = BUNDLES.c.pipeline == results._pipeline, BUNDLES.c.document_id.in_(ids)
        connection.execute(delete(BUNDLES).where(*own))
