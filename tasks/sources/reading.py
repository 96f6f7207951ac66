"""One reading of a query: a thread takes the rows as fast as they come, and keeps them on disk.

So no transaction stays open as long as a run, and rows that are not asked for yet take no memory.
"""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.document import Document
from docmill.schemas.errors import ConfigError, StorageError, Unreadable
from docmill.schemas.mark import Mark
from docmill.tasks.sources.files import MAX_BYTES
from docmill.tasks.sources.high_water import HighWater
from docmill.tasks.sources.keys import Ids
from docmill.tasks.sources.parsing.text import cleaned, legible
from docmill.tasks.sources.query import Query, reason
from docmill.tasks.sources.row_files import RowFiles, together, together_sha256
from docmill.tasks.sources.source import DocumentRef
from docmill.tasks.sources.spool import Spool
from docmill.tasks.sources.tabular.broken import Broken
from docmill.tasks.sources.tabular.query import FileQuery
from docmill.tasks.sources.template import TOO_LARGE, Render
from docmill.tasks.sources.values import Beyond

JOIN_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Columns:
    """The columns that a reading looks at, by name; `files` finds those that `document` names."""

    key: str
    document: str | None = None
    since: str | None = None
    files: RowFiles | None = None


@dataclass(frozen=True)
class RowRef:
    """A row of a `source` that is a document; `fault` is why it is none, `file` the one that it names.

    One that `is_broken` stands in a file under a key that cannot be told.
    """

    document_id: str
    source: str
    text: str
    fault: str | None
    file: DocumentRef | None = None
    is_broken: bool = False

    @property
    def uri(self) -> str:
        """Where it is: its key as a fragment of the source's URL."""
        return f"{self.source}#{quote(self.document_id, safe='')}"

    def sha256(self) -> str | None:
        """Hash its rendered text, and its file; None where there is none, which `read` explains."""
        if self.file is not None:
            return together_sha256(self.text, self.file)
        return None if self.fault is not None else sha256(self.text.encode()).hexdigest()

    def read(self) -> Document:
        """Give its text; raises Unreadable, whose message is the reason."""
        if self.fault is not None:
            raise Unreadable(self.fault)
        if self.file is not None:
            return together(self.text, self.file, self.document_id, self.uri)
        digest = sha256(self.text.encode()).hexdigest()
        return Document(document_id=self.document_id, uri=self.uri, content_sha256=digest, text=self.text)


def row_ref(row: tuple[str, str, str | None, str | None], source: str, files: RowFiles | None) -> RowRef:
    """Make the document of a row: of its id, text, fault, and the file that it names, found by `files`."""
    document_id, text, fault, name = row
    file = None
    if name is not None and fault is None:
        assert files is not None
        try:
            file = files.named(name)
        except Unreadable as unreadable:
            fault = str(unreadable)
    return RowRef(document_id, source, text, fault, file)


class Reading(Iterator[RowRef]):
    """Gives the rows in the order read, waiting for them; `source` is the URL that may be shown.

    Raises StorageError, after the rows that were read, where the database or the disk failed.
    """

    def __init__(self, query: Query | FileQuery, columns: Columns, render: Render, source: str) -> None:
        self._query = query
        self._key = query.columns.index(columns.key)
        self._document = None if columns.document is None else query.columns.index(columns.document)
        self._since = None if columns.since is None else query.columns.index(columns.since)
        self._files = columns.files
        self._high = HighWater(columns.since or "")
        self._require_comparable()
        self._render = render
        self._source = source
        self._ids = Ids()
        self._rows = 0
        self._failure: str | None = None
        self._first_key: Any = None
        self._keyed, self._over, self._closing = Event(), Event(), Event()
        try:
            self._spool = Spool()
        except OSError as error:
            raise ConfigError(_no_room(error)) from None
        self._thread = Thread(target=self._read, name="rows", daemon=True)
        self._thread.start()

    def __next__(self) -> RowRef:
        if record := self._spool.take():
            document_id, text, fault, file, is_broken = json.loads(record.decode())
            row = row_ref((document_id, text, fault, file), self._source, self._files)
            return replace(row, is_broken=True) if is_broken else row
        if self._failure and not self._closing.is_set():
            raise StorageError(self._failure)
        raise StopIteration

    def count(self) -> int | None:
        """Count the rows once all are read; None where they were not."""
        self._over.wait()
        return None if self._failure or self._closing.is_set() else self._rows

    def first_key(self) -> Any:
        """Give the first key that can be one, once it is read; None where there is none."""
        self._keyed.wait()
        return self._first_key

    def mark(self) -> Mark | None:
        """Give the highest value of the column `since` once all rows are read; None where they were not."""
        return None if self.count() is None else self._high.mark()

    def unmarked(self) -> str | None:
        """Say why there is no mark, once all rows are read; None where there is one, or no value."""
        return None if self.count() is None else self._high.fault

    def close(self) -> None:
        """End the reading, wherever it is."""
        self._closing.set()
        if self._thread.is_alive():
            self._query.interrupt()
        self._spool.close()
        self._thread.join(JOIN_TIMEOUT_S)

    def _require_comparable(self) -> None:
        """Raise ConfigError where the first value of the column `since` is a text that does not grow."""
        if self._since is not None:
            first = HighWater(self._query.columns[self._since])
            values = (row[self._since] for row in self._query.first_rows())
            first.see(next((value for value in values if value is not None), None))
            if first.fault is not None:
                raise ConfigError(first.fault)

    def _read(self) -> None:
        try:
            for row in self._query:
                if self._closing.is_set():
                    break
                self._spool.put(self._record(row))
                self._rows += 1
        except SQLAlchemyError as error:
            self._failure = self._lost(reason(error))
        except StorageError as error:
            self._failure = str(error)
        except OSError as error:
            self._failure = _no_room(error)
        except Exception as error:  # noqa: BLE001  whatever it is, nobody may wait for ever
            self._failure = self._lost(type(error).__name__)
        finally:
            self._spool.end()
            self._keyed.set()
            self._over.set()
            self._query.close()

    def _record(self, row: Any) -> bytes:
        if isinstance(row, Broken):
            return json.dumps([self._ids.take(row.key)[0], "", row.fault, None, True]).encode()
        if self._since is not None:
            self._high.see(row[self._since])
        key = row[self._key]
        if not (key is None or isinstance(key, Beyond) or self._keyed.is_set()):
            self._first_key = key
            self._keyed.set()
        document_id, fault = self._ids.take(key)
        text, file = "", self._named(row)
        if fault is None:
            try:
                text = self._text(row, alone=file is None)
            except Unreadable as unreadable:
                fault = str(unreadable)
        return json.dumps([document_id, text, fault, file, False]).encode()

    def _named(self, row: Any) -> str | None:
        """Give the file that a row names; an empty cell names none."""
        name = None if self._document is None else row[self._document]
        return None if name is None or not str(name).strip() else str(name)

    def _text(self, row: Any, *, alone: bool) -> str:
        rendered = self._render(dict(zip(self._query.columns, row, strict=True)))
        try:
            size = len(rendered.encode())
        except UnicodeEncodeError:  # cleaning would take out what cannot be encoded
            raise Unreadable("the row's text is not UTF-8") from None
        text = cleaned(rendered.replace("\0", " ")).strip()  # what stands on both sides are two words
        if size > MAX_BYTES:
            raise Unreadable(TOO_LARGE)
        if alone and not legible(text):
            raise Unreadable("no text: the row's text is empty")
        return text

    def _lost(self, said: str) -> str:
        return (
            f"the source {self._source} failed: {said}. Run again: the rows that were read are accounted "
            "for, and the others are taken up then"
        )


def _no_room(error: OSError) -> str:
    where = tempfile.tempdir or "the temporary directory"  # where there is none, gettempdir() raises too
    return f"rows cannot be kept in {where}: {error.strerror}. Make room there, or set TMPDIR; then run again"
