"""Rows of a query as a source."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.columns import require
from docmill.tasks.sources.query import Query, shown
from docmill.tasks.sources.reading import Reading, RowRef
from docmill.tasks.sources.template import compiled


class Rows:
    """The rows of a query as a source, declared with the values of its URL's variables."""

    def __init__(self, declared: Declared) -> None:
        self._declared = declared
        self._reading: Reading | None = None

    @contextmanager
    def opened(self) -> Iterator[Iterator[RowRef]]:
        """Begin to read; raises ConfigError for a wrong URL, query, key or template, and an empty disk.

        Iterating raises StorageError where the connection was lost, after the rows that were read.
        """
        self._reading = reading = self._begun()
        try:
            yield reading
        finally:
            self._reading = None
            reading.close()

    def count(self) -> int | None:
        """Count the rows, which waits until all are read; None where they could not be."""
        if self._reading:
            return self._reading.count()
        with self.opened():
            return self._reading.count() if self._reading else None

    def described(self) -> str:
        """Name the database."""
        return f"rows of {shown(self._declared.url)}"

    def nothing(self) -> str:
        """Say that there are no rows."""
        return f"rows.query: gives no row of {shown(self._declared.url)}"

    def first_key(self) -> Any:
        """Give the first key that is not NULL, waiting for it; None where there is none."""
        return self._reading.first_key() if self._reading else None

    def _begun(self) -> Reading:
        query = Query(self._declared.url, self._declared.query)
        try:
            require(query.columns, self._declared.key, "rows.key")
            render = compiled(self._declared.text, query.columns)
            return Reading(query, self._declared.key, render, shown(self._declared.url))
        except BaseException:
            query.close()
            raise
