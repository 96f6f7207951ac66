"""A query over files of rows: DuckDB reads these files, and nothing else of this machine or another."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.high_water import Since, above
from docmill.tasks.sources.query import BUFFERED_BYTES, size_of
from docmill.tasks.sources.tabular.broken import rejected
from docmill.tasks.sources.tabular.located import located
from docmill.tasks.sources.tabular.locked import connected, failing, lock, select_of, wrong
from docmill.tasks.sources.tabular.values import reader_of
from docmill.tasks.sources.tabular.view import define, quoted

WHOLE = "SELECT * FROM rows"
FETCHED_ROWS = 100
REJECTED = """
    SELECT DISTINCT file_path, line, error_type::VARCHAR FROM reject_errors
    JOIN reject_scans USING (scan_id, file_id) ORDER BY ALL
"""
HAS_REJECTS = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'reject_errors'"


class FileQuery:
    """A query over files that has been executed; iterating streams its rows, in any one thread.

    What cannot be read as a row comes last, as Broken.
    """

    def __init__(
        self,
        patterns: Sequence[str],
        query: str | None,
        sheet: str | None,
        below: tuple[Path, ...] = (),
        since: Since | None = None,
    ) -> None:
        """Find the files and execute; raises NoFiles, and ConfigError."""
        self._folder = TemporaryDirectory(prefix="docmill-rows-", ignore_cleanup_errors=True)
        self._shown = ", ".join(patterns)
        folder = Path(self._folder.name)
        self._connection = connected(folder)
        try:
            self._files = located(patterns, below, folder)
            self._begin(query or WHOLE, sheet, folder, since)
        except OSError as error:
            self.close()
            raise ConfigError(f"rows.files: {error.filename or folder}: {error.strerror}") from None
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Any]:
        with failing(self._shown):
            rows = self._first
            while rows:
                yield from map(self._values, rows)
                rows = self._fetched()
            refused = self._connection.execute(REJECTED).fetchall() if self._has_rejects() else []
        names = {str(file.path): file.shown for file in self._files}
        for path, line, kind in refused:
            yield rejected(names.get(path, path), line, kind)
        yield from self._uncomputed

    def first_rows(self) -> list[Any]:
        """Give the rows that are there already."""
        return [self._values(row) for row in self._first]

    def interrupt(self) -> None:
        """End, from another thread, what DuckDB is doing."""
        with suppress(Exception):  # it may have been closed meanwhile
            self._connection.interrupt()

    def close(self) -> None:
        """Let the files go, and remove the copies."""
        self._connection.close()
        self._folder.cleanup()

    def _begin(self, query: str, sheet: str | None, folder: Path, since: Since | None) -> None:
        with wrong("rows.files"):
            self._uncomputed = define(self._connection, self._files, sheet, folder)
            lock(self._connection, [*(file.path for file in self._files), *folder.glob("sheet-*")])
        with wrong("rows.query"):
            query = select_of(self._connection, query)
            if since:
                column = '"' + since.column.replace('"', '""') + '"'
                query = above(query, column, since.mark.literal(quoted))
            described = self._connection.execute(f"DESCRIBE {query}").fetchall()
            self.columns = [row[0] for row in described]
            self._readers = [reader_of(row[1]) for row in described]
            names = [f"c{at}" for at in range(len(described))]
            texts = [
                f"{name}::VARCHAR" if reader else name
                for name, reader in zip(names, self._readers, strict=True)
            ]
            self._connection.execute(
                f"SELECT {', '.join(texts)} FROM (\n{query}\n) AS asked({', '.join(names)})"
            )
            self._first = self._fetched()

    def _fetched(self) -> list[Any]:
        """Fetch the next rows, fewer where they are large."""
        rows: list[Any] = []
        size = 0
        while len(rows) < FETCHED_ROWS and size < BUFFERED_BYTES and (row := self._connection.fetchone()):
            rows.append(row)
            size += size_of(row)
        return rows

    def _values(self, row: Sequence[Any]) -> list[Any]:
        return [
            reader(value) if reader and value is not None else value
            for value, reader in zip(row, self._readers, strict=True)
        ]

    def _has_rejects(self) -> bool:
        """Say whether a CSV file was looked at: DuckDB makes the tables then."""
        return bool(self._connection.execute(HAS_REJECTS).fetchone())
