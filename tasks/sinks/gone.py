"""Outcomes of documents that are no longer in their source: counted, marked or removed."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select, update

from docmill.schemas.bundle import file_of
from docmill.schemas.pipeline import Gone
from docmill.tasks.sinks.bundle_tables import BUNDLES
from docmill.tasks.sinks.bundles import bundles_of
from docmill.tasks.sinks.database import again
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.removing import remove
from docmill.tasks.sinks.rows import chunks, holding
from docmill.tasks.sinks.tables import OUTCOMES


def settle(
    results: ReviewedResults,
    gone: Gone,
    is_there: Callable[[str], bool],
    listed_at: datetime,
    is_away: Callable[[str], bool] = lambda _: False,
) -> int:
    """Do what `gone` says with outcomes of documents that are not there; gives how many are not.

    What has got its outcome since the listing began may have come after it. A document that is there again
    loses its mark. One that is but away for now, as a folder that is not mounted, stays as it is. Raises
    StorageError.
    """
    return again(lambda: _settled(results, gone, is_there, listed_at, is_away))


def _settled(
    results: ReviewedResults,
    gone: Gone,
    is_there: Callable[[str], bool],
    listed_at: datetime,
    is_away: Callable[[str], bool],
) -> int:
    missing, back = set[str](), set[str]()
    known = OUTCOMES.c.pipeline == results._pipeline, OUTCOMES.c.updated_at < listed_at
    query = select(OUTCOMES.c.document_id, OUTCOMES.c.gone_at).where(*known)
    for document_id, gone_at in results._rows(query):
        if not is_there(document_id):
            missing |= set() if is_away(document_id) else {document_id}
        elif gone_at is not None:
            back.add(document_id)
    with results._writing() as connection:
        held = _unwritten(results, connection, sorted(missing | back), listed_at)
        away = [each for each in held if each in missing]
        _mark(results, connection, [each for each in held if each in back], None)
        if gone == "mark":
            _mark(results, connection, away, datetime.now(UTC))
        if gone == "remove":
            remove(results, connection, away)
            _forget(results, connection, away, is_there)
    return len(away)


def _mark(
    results: ReviewedResults, connection: Connection, documents: Sequence[str], at: datetime | None
) -> None:
    """Say of documents that they are gone since then; one that was marked before keeps its time."""
    for ids in chunks(documents):
        own = OUTCOMES.c.pipeline == results._pipeline, OUTCOMES.c.document_id.in_(ids)
        unmarked = [OUTCOMES.c.gone_at.is_(None)] if at else []
        connection.execute(update(OUTCOMES).where(*own, *unmarked).values(gone_at=at))


def _unwritten(
    results: ReviewedResults, connection: Connection, documents: Sequence[str], since: datetime
) -> list[str]:
    """Hold those of these documents that nobody has written since then, until the transaction ends."""
    held: list[str] = []
    for ids in chunks(documents):
        own = OUTCOMES.c.pipeline == results._pipeline, OUTCOMES.c.document_id.in_(ids)
        query = select(OUTCOMES.c.document_id).where(*own, OUTCOMES.c.updated_at < since)
        held += connection.execute(holding(connection, query)).scalars()
    return held


def _forget(
    results: ReviewedResults,
    connection: Connection,
    documents: Sequence[str],
    is_there: Callable[[str], bool],
) -> None:
    """Forget how the files of documents were divided, where all that was in one is gone."""
    files = list(dict.fromkeys(map(file_of, documents)))
    bundles = bundles_of(connection, results._pipeline, files)
    empty = [each.document_id for each in bundles if not any(map(is_there, each.ids()))]
    for ids in chunks(empty):
        own = BUNDLES.c.pipeline == results._pipeline, BUNDLES.c.document_id.in_(ids)
        connection.execute(delete(BUNDLES).where(*own))
