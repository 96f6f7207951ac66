"""What a source lists, so many and so much at a time: what was listed before it is lost is not lost."""

from collections.abc import Iterator
from itertools import islice

from docmill.schemas.errors import StorageError
from docmill.tasks.sources.source import DocumentRef
from docmill.tasks.sources.weights import MOST_LISTED_BYTES, listed_bytes

BATCH = 200
FIRST_BATCH = 20  # of a source that is slow to list, the first documents begin before the rest is known


def batch(refs: Iterator[DocumentRef], size: int) -> list[DocumentRef]:
    """Give the next documents, fewer where they are large rows.

    Raises StorageError where the source is lost before the first of them.
    """
    listed: list[DocumentRef] = []
    held = 0
    try:
        for ref in islice(refs, size):
            listed.append(ref)
            held += listed_bytes(ref)
            if held >= MOST_LISTED_BYTES:
                break
    except StorageError:  # which the next batch raises again
        if not listed:
            raise
    return listed
