"""Rows of a query as a source."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.columns import require
from docmill.tasks.sources.query import Query, shown
from docmill.tasks.sources.reading import Reading, RowRef
from docmill.tasks.sources.tabular.located import NoFiles
from docmill.tasks.sources.tabular.query import FileQuery
from docmill.tasks.sources.template import compiled


class Rows:
    """The rows of a query as a source, declared with the values of its URL's variables."""

    def __init__(self, declared: Declared, below: tuple[Path, ...] = ()) -> None:
        self._declared = declared
        self._below = below
        self._reading: Reading | None = None

    @contextmanager
    def opened(self) -> Iterator[Iterator[RowRef]]:
        """Begin to read; raises ConfigError for a wrong URL, query, key or template, and an empty disk.

        Iterating raises StorageError where the connection was lost, after the rows that were read.
        """
        try:
            self._reading = reading = self._begun()
        except NoFiles:
            yield iter(())
            return
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
            return self._reading.count() if self._reading else 0

    def described(self) -> str:
        """Name the database, or the files."""
        return f"rows of {self._shown()}"

    def nothing(self) -> str:
        """Say that there are no rows."""
        if self._declared.files:
            return f"rows.files: {self._shown()} matches no file, or no row is in them"
        return f"rows.query: gives no row of {self._shown()}"

    def first_key(self) -> Any:
        """Give the first key that is not NULL, waiting for it; None where there is none."""
        return self._reading.first_key() if self._reading else None

    def confined(self, below: tuple[Path, ...]) -> "Rows":
        """Read files alone that lie below these folders once links are followed."""
        return Rows(self._declared, below)

    def _shown(self) -> str:
        return shown(self._declared.url) if self._declared.url else ", ".join(self._declared.patterns())

    def _begun(self) -> Reading:
        query = self._query()
        try:
            require(query.columns, self._declared.key, "rows.key")
            render = compiled(self._declared.text, query.columns)
            return Reading(query, self._declared.key, render, self._shown())
        except BaseException:
            query.close()
            raise

    def _query(self) -> Query | FileQuery:
        asked = self._declared
        if asked.url:
            return Query(asked.url, asked.query or "")
        return FileQuery(asked.patterns(), asked.query, asked.sheet, self._below)
