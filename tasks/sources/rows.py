"""Rows of a query, or of files, as a source."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from docmill.schemas.mark import Mark
from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.columns import require
from docmill.tasks.sources.high_water import Since
from docmill.tasks.sources.query import Query, shown
from docmill.tasks.sources.reading import Columns, Reading, RowRef
from docmill.tasks.sources.row_files import Permitted, RowFiles
from docmill.tasks.sources.tabular.located import NoFiles
from docmill.tasks.sources.tabular.query import FileQuery
from docmill.tasks.sources.template import compiled
from docmill.tasks.sources.urls import is_remote, path_of

NOWHERE = Permitted(())


@dataclass(frozen=True)
class Rules:
    """What else holds for a source of rows.

    `below`: the folders of its own files. `named`: where the files lie that its rows may name. `mark` gives
    how far its column `since` was read before.
    """

    below: tuple[Path, ...] = ()
    named: Permitted = NOWHERE
    mark: Callable[[], Mark | None] | None = None


NO_OTHERS = Rules()


class Rows:
    """The rows of a query as a source, declared with the values of its URL's variables."""

    def __init__(self, declared: Declared, rules: Rules = NO_OTHERS) -> None:
        self._declared = declared
        self._rules = rules
        self._reading: Reading | None = None

    @contextmanager
    def opened(self) -> Iterator[Iterator[RowRef]]:
        """Begin to read; raises ConfigError for a wrong URL, query, key or template, and an empty disk.

        Iterating raises StorageError where the connection was lost, after the rows that were read.
        """
        with ExitStack() as stack:
            try:
                self._reading = reading = self._begun(stack)
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

    @contextmanager
    def files(self) -> Iterator[RowFiles | None]:
        """Open what finds the files that rows name; None where they name none."""
        if self._declared.document is None:
            yield None
            return
        with RowFiles(self._rules.named).opened() as files:
            yield files

    def local_patterns(self) -> tuple[str, ...]:
        """List the globs of its files on this machine; a database has none."""
        return tuple(path_of(each) for each in self._declared.patterns() if not is_remote(each))

    def nothing(self) -> str:
        """Say that there are no rows."""
        if self._declared.files:
            return f"rows.files: {self._shown()} matches no file, or no row is in them"
        return f"rows.query: gives no row of {self._shown()}"

    def first_key(self) -> Any:
        """Give the first key that is not NULL, waiting for it; None where there is none."""
        return self._reading.first_key() if self._reading else None

    def mark(self) -> Mark | None:
        """Give how far its column `since` was read, while it is open; None where that is not known."""
        return self._reading.mark() if self._reading else None

    def unmarked(self) -> str | None:
        """Say why there is no mark, while it is open; None where there is one."""
        return self._reading.unmarked() if self._reading else None

    def confined(self, below: tuple[Path, ...]) -> "Rows":
        """Read files alone that lie below these folders once links are followed."""
        return Rows(self._declared, replace(self._rules, below=below))

    def since(self, mark: Callable[[], Mark | None]) -> "Rows":
        """Read the rows at or above a mark alone."""
        return Rows(self._declared, replace(self._rules, mark=mark))

    def sha256(self) -> str:
        """Hash what decides which rows it has, without passwords; they are read anew where it changes."""
        said = [self._shown(), self._declared.query, self._declared.sheet, self._declared.key]
        said += [self._declared.text, self._declared.document, self._declared.since]
        return sha256(repr(said).encode()).hexdigest()

    def _shown(self) -> str:
        return shown(self._declared.url) if self._declared.url else ", ".join(self._declared.patterns())

    def _begun(self, stack: ExitStack) -> Reading:
        declared, query = self._declared, self._query()
        try:
            places = {"key": declared.key, "document": declared.document, "since": declared.since}
            for place, column in places.items():
                if column is not None:
                    require(query.columns, column, f"rows.{place}")
            render = compiled(declared.text or "", query.columns)
            files = stack.enter_context(self.files())
            columns = Columns(declared.key, declared.document, declared.since, files)
            return Reading(query, columns, render, self._shown())
        except BaseException:
            query.close()
            raise

    def _query(self) -> Query | FileQuery:
        asked = self._declared
        mark = self._rules.mark() if self._rules.mark and asked.since else None
        since = Since(asked.since, mark) if mark and mark.is_plain and asked.since else None
        if asked.url:
            return Query(asked.url, asked.query or "", since=since)
        return FileQuery(asked.patterns(), asked.query, asked.sheet, self._rules.below, since)
