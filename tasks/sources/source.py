"""What every source gives: documents that are listed first, and hashed and read one by one later."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from docmill.schemas.document import Document, Sight


class DocumentRef(Protocol):
    """A document that a source lists, not read yet."""

    @property
    def document_id(self) -> str:
        """Its key in the results."""

    @property
    def uri(self) -> str:
        """Where it is, without a password."""

    def sha256(self) -> str | None:
        """Hash its content; None where it cannot be read, which `read` explains."""

    def read(self) -> Document:
        """Read it; raises Unreadable, whose message is the reason and what to do about it.

        Deferred where the source cannot be reached, which another run may.
        """


class FileLike(DocumentRef, Protocol):
    """A document that is a file or an object of a store."""

    @property
    def name(self) -> str:
        """Its file name."""

    @property
    def sight(self) -> Sight:
        """What is done with its pictures."""

    def content(self) -> bytes:
        """Give its bytes, a byte more than are read at most; raises as `read` does."""


class Source(Protocol):
    """Where a pipeline's documents come from; its methods block."""

    def opened(self) -> AbstractContextManager[Iterator[DocumentRef]]:
        """List the documents, each once, never all in memory.

        Raises ConfigError, before the first, where there is no such source. The iterator raises
        StorageError where the source is lost, and again each time it is asked.
        """

    def count(self) -> int | None:
        """Count its documents, which may take a while; None where that cannot be known."""

    def described(self) -> str:
        """Name it in a few words, such as its glob; without a password."""

    def nothing(self) -> str:
        """Say that it has no documents, and where they were looked for."""
