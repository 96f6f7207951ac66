"""The documents under review, read from their source again as they are asked for."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from docmill.flows.report.texts import CHANGED, GONE, content_of
from docmill.flows.review.case import Case
from docmill.schemas.document import Document
from docmill.schemas.errors import ConfigError, StorageError, Unreadable
from docmill.tasks.sources.source import DocumentRef, Source

MOST_KEPT = 8


class Documents:
    """Gives documents by their cases: what the source lists is gone through as far as is needed."""

    def __init__(self, refs: Iterator[DocumentRef], why: str | None = None) -> None:
        self._refs = refs
        self._why = why  # nothing can be read
        self._listed: dict[str, DocumentRef] = {}
        self._read: dict[str, Document | str] = {}
        self._lock = threading.Lock()

    def of(self, case: Case) -> Document | str:
        """Give the document that a case's outcome was made of, or why it cannot be shown."""
        with self._lock:
            known = self._read.get(case.document_id)
            sha256 = case.row["content_sha256"]
            if not isinstance(known, Document) or known.content_sha256 != sha256:
                while len(self._read) >= MOST_KEPT:
                    del self._read[next(iter(self._read))]
                self._read[case.document_id] = self._found(case)
            return self._read[case.document_id]

    def content(self, case: Case) -> bytes | None:
        """Give the bytes that a case's outcome was made of; None where they are no more, or of a row."""
        with self._lock:
            ref = self._listed.get(case.document_id)
            return content_of(ref, case.row["content_sha256"]) if ref else None

    def _found(self, case: Case) -> Document | str:
        if self._why:
            return f"The document cannot be read: {self._why}"
        try:
            while case.document_id not in self._listed:
                ref = next(self._refs)
                self._listed[ref.document_id] = ref
            document = self._listed[case.document_id].read()
        except StopIteration:
            return GONE
        except (ConfigError, StorageError, Unreadable) as error:
            return f"The document cannot be read: {error}"
        except Exception as error:  # noqa: BLE001  whatever it is, it can be decided all the same
            return f"The document cannot be read: {type(error).__name__}"
        return document if document.content_sha256 == case.row["content_sha256"] else CHANGED


@contextmanager
def documents(source: Source | str) -> Iterator[Documents]:
    """Open a source for reading; one that is a string is why nothing can be read."""
    with ExitStack() as stack:
        if isinstance(source, str):
            yield Documents(iter(()), source)
            return
        try:
            refs = stack.enter_context(source.opened())
        except (ConfigError, StorageError) as error:
            yield Documents(iter(()), str(error))
            return
        yield Documents(refs)
