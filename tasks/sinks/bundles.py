"""How files were divided, in the results database; what stood there of documents that are no more goes."""

from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.bundle import Bundle
from docmill.schemas.errors import StorageError
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.bundle_tables import BUNDLES
from docmill.tasks.sinks.database import engine_of, reason, shown, sqlite_file
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.removing import remove
from docmill.tasks.sinks.rows import chunks, upsert
from docmill.tasks.sinks.upgrade import present


def known(
    into: Into, pipeline: str, split_sha256: str | None, hashes: Mapping[str, str]
) -> dict[str, Bundle]:
    """Give how those files, by id with the hash of their content, were divided, as far as that still holds.

    Without a `split_sha256` whatever divided them. Raises StorageError where the database cannot be read.
    """
    file = sqlite_file(into.url)
    if file is not None and not file.exists():
        return {}
    engine = engine_of(into.url)
    try:
        with engine.connect() as connection:
            reading = connection.execution_options(reading=True)
            found = list(bundles_of(reading, pipeline, hashes)) if present(reading, BUNDLES) else []
    except (SQLAlchemyError, ValueError, TypeError) as error:
        raise StorageError(
            f"the results database {shown(into.url)} cannot be read: {reason(error)}"
        ) from None
    finally:
        engine.dispose()
    return {
        each.document_id: each
        for each in found
        if each.content_sha256 == hashes[each.document_id] and split_sha256 in (None, each.split_sha256)
    }


def divide(results: ReviewedResults, bundle: Bundle, *, asked: bool) -> None:
    """Write down what a file holds, and remove outcomes of documents that it held before and holds no more.

    A file that is one document of its own is written down where that was `asked`, or it was another before.
    Raises StorageError.
    """
    with results._writing() as connection:
        before = next(bundles_of(connection, results._pipeline, [bundle.document_id]), None)
        ids = bundle.ids()
        if before is None and not asked and ids == [bundle.document_id]:
            return
        upsert(connection, BUNDLES, [{"pipeline": results._pipeline, **bundle.model_dump()}])
        held = {bundle.document_id, *(before.ids() if before else ())}
        remove(results, connection, sorted(held.difference(ids)))
        results.divided(connection, bundle)


def held_by(connection: Connection, pipeline: str, hashes: Mapping[str, str | None]) -> dict[str, list[str]]:
    """Give the ids of what these files hold that were divided with these contents."""
    if not present(connection, BUNDLES):
        return {}
    found = bundles_of(connection, pipeline, hashes)
    return {each.document_id: each.ids() for each in found if each.content_sha256 == hashes[each.document_id]}


def bundles_of(connection: Connection, pipeline: str, documents: Iterable[str]) -> Iterator[Bundle]:
    """Give how these files were divided last."""
    for ids in chunks(list(documents)):
        these = BUNDLES.c.document_id.in_(ids)
        for row in connection.execute(select(BUNDLES).where(BUNDLES.c.pipeline == pipeline, these)):
            yield _bundle(row._mapping)


def _bundle(row: RowMapping) -> Bundle:
    return Bundle.model_validate({name: row[name] for name in Bundle.model_fields})
