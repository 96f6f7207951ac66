"""How much of a document is in memory: once it is listed, and once it is read."""

import sys

from docmill.tasks.sources.divided import Changed, PartRef, Undivided
from docmill.tasks.sources.files import MAX_BYTES, FileRef
from docmill.tasks.sources.reading import RowRef
from docmill.tasks.sources.remote import ObjectRef
from docmill.tasks.sources.source import DocumentRef

MOST_LISTED_BYTES = 16_000_000  # of what is taken ahead: the texts of rows come with them
UNLISTED_BYTES = 1_000_000  # a guess, of an object that was found by its name: asking takes a request


def listed_bytes(ref: DocumentRef) -> int:
    """Say how much a document holds before it is read: a row its text, a file nothing."""
    return sys.getsizeof(ref.text) if isinstance(ref, RowRef) else 0


def read_bytes(ref: DocumentRef) -> int:
    """Say about how much a document holds once it is read: a file its bytes. It looks at the disk."""
    match ref:
        case RowRef():
            return sys.getsizeof(ref.text) + (read_bytes(ref.file) if ref.file else 0)
        case PartRef() | Undivided() | Changed():
            return read_bytes(ref.file)
        case FileRef():
            return min(_size(ref), MAX_BYTES)
        case ObjectRef():
            return UNLISTED_BYTES if ref.size is None else min(ref.size, MAX_BYTES)
    return 0


def _size(ref: FileRef) -> int:
    try:
        return ref.path.stat().st_size
    except OSError:  # which reading it explains
        return 0
