"""What the results hold of documents that have arrived: read beside the runs that write, never created."""

from collections.abc import Mapping, Sequence
from types import TracebackType

from sqlalchemy import Connection, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.errors import StorageError
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.bundles import held_by
from docmill.tasks.sinks.database import engine_of, reason, shown, sqlite_file
from docmill.tasks.sinks.rows import chunks
from docmill.tasks.sinks.tables import OUTCOMES


class Announced:
    """One pipeline's outcomes, for a moment; a database or table that does not exist yet holds none."""

    def __init__(self, into: Into, pipeline: str) -> None:
        self._url = shown(into.url)
        self._file = sqlite_file(into.url)
        self._engine = engine_of(into.url)
        self._pipeline = pipeline

    def __enter__(self) -> "Announced":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.dispose()

    def settled(self, documents: Mapping[str, str | None]) -> set[str]:
        """Tell which documents (by id, with the hash of their content) have an outcome that is not deferred.

        Raises StorageError where the database does not answer.
        """
        if self._file is not None and not self._file.exists():  # SQLite would make it
            return set()
        try:
            with self._engine.connect() as connection:
                if not inspect(connection).has_table(OUTCOMES.name):
                    return set()
                return self._settled(connection.execution_options(reading=True), documents)
        except SQLAlchemyError as error:
            raise StorageError(f"{self._url}: {reason(error)}") from None

    def _settled(self, connection: Connection, documents: Mapping[str, str | None]) -> set[str]:
        """Tell it of a file that was divided by all that it holds."""
        held = held_by(connection, self._pipeline, documents)
        whole = self._ended(connection, [each for each in documents if each not in held])
        parts = self._ended(connection, [each for ids in held.values() for each in ids])
        divided = {file for file, ids in held.items() if parts.keys() >= set(ids)}
        return divided | {each for each, digest in whole.items() if digest == documents[each]}

    def _ended(self, connection: Connection, ids: Sequence[str]) -> dict[str, str | None]:
        """Give those of these documents that have an outcome which is not deferred, with their hashes."""
        ended: dict[str, str | None] = {}
        for some in chunks(ids):
            query = select(OUTCOMES.c.document_id, OUTCOMES.c.content_sha256).where(
                OUTCOMES.c.pipeline == self._pipeline,
                OUTCOMES.c.document_id.in_(some),
                OUTCOMES.c.status != "deferred",
            )
            ended.update({row[0]: row[1] for row in connection.execute(query)})
        return ended
