"""What a run writes down of a document for its shards, and how much of that a shard takes at a time."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

FIRST_PAGE = 4  # how large the documents are is not known yet; they come in the order of their hashes
MOST_PAGE_BYTES = 16_000_000  # about, of the texts of rows


class Listed(NamedTuple):
    """A document of a run that its shards bring to its outcome.

    `text` and `fault` are a row's, `file` is the one that it names, or that a document is within.
    """

    place: int
    document_id: str
    uri: str
    text: str | None = None
    fault: str | None = None
    file: str | None = None


class Paging:
    """Says how many documents are asked for next, `most` at most: of large ones few."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._documents = self._bytes = 0
        self.size = min(FIRST_PAGE, most)

    def saw(self, listed: Sequence[Listed]) -> None:
        """Take in how large the last ones were."""
        self._documents += len(listed)
        self._bytes += sum(sys.getsizeof(each.text) for each in listed)
        fitting = MOST_PAGE_BYTES * self._documents // self._bytes
        self.size = max(1, min(self._most, fitting))
