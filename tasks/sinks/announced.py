"""What the results hold of documents that have arrived: read beside the runs that write, never created."""

from collections.abc import Mapping
from types import TracebackType

from sqlalchemy import inspect, select
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.errors import StorageError
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.database import engine_of, reason, shown, sqlite_file
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
        columns = OUTCOMES.c.document_id, OUTCOMES.c.content_sha256
        query = select(*columns).where(
            OUTCOMES.c.pipeline == self._pipeline,
            OUTCOMES.c.document_id.in_(documents),
            OUTCOMES.c.status != "deferred",
        )
        try:
            with self._engine.connect() as connection:
                if not inspect(connection).has_table(OUTCOMES.name):
                    return set()
                rows = connection.execution_options(reading=True).execute(query).all()
        except SQLAlchemyError as error:
            raise StorageError(f"{self._url}: {reason(error)}") from None
        return {row[0] for row in rows if row[1] == documents[row[0]]}
