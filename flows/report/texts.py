"""The documents' texts, read from the source again: only what the stored outcomes were made of."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from docmill.flows.report.entries import Entry
from docmill.flows.report.marked_text import Span, runs
from docmill.flows.report.pictures import Album
from docmill.schemas.document import Document
from docmill.schemas.errors import ConfigError, Deferred, StorageError, Unreadable
from docmill.tasks.sources.divided import PartRef, Undivided
from docmill.tasks.sources.files import FileRef
from docmill.tasks.sources.remote import ObjectRef
from docmill.tasks.sources.source import DocumentRef, Source

CHANGED = "The document has changed since: its text is not what this outcome was made of."
GONE = "The document is gone: the source no longer lists it."
NEVER_READ = "The run could not read the document."


def texts(
    source: Source | str, entries: Mapping[str, Entry], album: Album | None = None
) -> Iterator[tuple[Entry, dict[str, Any]]]:
    """Give each document's text in runs, or why there is none; `entries` by document_id.

    A source that is a string is why there is none. No document's failure ends it. Beside a text stand the
    pages that the `album` shows of it.
    """
    left = dict(entries)
    why = GONE
    try:
        if isinstance(source, str):
            raise ConfigError(source)
        with source.opened() as refs:
            for ref in refs:
                if entry := left.pop(ref.document_id, None):
                    yield entry, _read(ref, entry, album)
                if not left:
                    return
    except (ConfigError, StorageError) as error:
        why = f"The source cannot be read: {error}"
    for entry in left.values():
        yield entry, {"why": why if entry.content_sha256 else NEVER_READ}


def _read(ref: DocumentRef, entry: Entry, album: Album | None) -> dict[str, Any]:
    if entry.content_sha256 is None:
        return {"why": NEVER_READ}
    try:
        document = ref.read()
        if document.content_sha256 != entry.content_sha256:
            return {"why": CHANGED}
        pages = _pages(ref, entry, document, album)
    except Unreadable as error:
        return {"why": f"The document cannot be read: {error}."}
    except Exception as error:  # noqa: BLE001  whatever it is, the others are shown
        return {"why": f"The document cannot be read: {type(error).__name__}."}
    return {**shown(document, entry), **({"pages": pages} if pages else {})}


def _pages(ref: DocumentRef, entry: Entry, document: Document, album: Album | None) -> list[dict[str, Any]]:
    """Draw the pages of a document that are shown."""
    if album is None or not album.wants(entry):
        return []
    content = content_of(ref, entry.content_sha256)
    return [] if content is None else list(album.of(entry, document, content))


def content_of(ref: DocumentRef, content_sha256: str | None) -> bytes | None:
    """Give the bytes of a file that an outcome was made of; None where they are no more, or of a row."""
    if not isinstance(ref, FileRef | ObjectRef | Undivided | PartRef):
        return None
    try:
        content = ref.content()
    except (StorageError, Unreadable, Deferred):
        return None
    return content if sha256(content).hexdigest() == content_sha256 else None


def shown(document: Document, entry: Entry) -> dict[str, Any]:
    """Give a document's text in runs, with an outcome's evidence."""
    spans = _spans(document, entry)
    return {"runs": list(runs(document.text, spans, document.page_starts, document.first_page))}


def _spans(document: Document, entry: Entry) -> list[Span]:
    """List the evidence that stands where it stood: another version may read the same bytes otherwise."""
    return [span for span, quote in entry.evidence if quote and document.text[span.start : span.end] == quote]
