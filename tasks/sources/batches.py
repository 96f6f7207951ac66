"""What a source lists, so many at a time: what was listed before it is lost is not lost."""

from collections.abc import Iterator
from itertools import islice

from docmill.schemas.errors import StorageError
from docmill.tasks.sources.source import DocumentRef

BATCH = 200
FIRST_BATCH = 20  # of a source that is slow to list, the first documents begin before the rest is known


def batch(refs: Iterator[DocumentRef], size: int) -> list[DocumentRef]:
    """Give the next documents; raises StorageError where the source is lost before the first of them."""
    listed: list[DocumentRef] = []
    try:
        for ref in islice(refs, size):
            listed.append(ref)  # noqa: PERF402  what was read before the source is lost is not
    except StorageError:  # which the next batch raises again
        if not listed:
            raise
    return listed
