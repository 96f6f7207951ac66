"""A part of a source: documents that are named, or a sample that is the same at every run."""

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from docmill.schemas.bundle import file_of
from docmill.schemas.errors import ConfigError, StorageError
from docmill.tasks.sources.divided import PartRef, Undivided
from docmill.tasks.sources.source import DocumentRef, Source


@dataclass(frozen=True)
class Selected:
    """The documents of a source that have one of these ids, and a sample of them; None takes all.

    The source is listed as a whole before the first: a sample is those whose ids have the smallest sha256,
    so a document that is added changes it by one at most.
    """

    source: Source
    ids: tuple[str, ...] = ()
    sample: int | None = None

    @contextmanager
    def opened(self) -> Iterator[Iterator[DocumentRef]]:
        """List them in the source's order; raises ConfigError for an id that the source does not have."""
        with self.source.opened() as refs:
            try:
                chosen = iter(self._chosen(refs))
            except StorageError as lost:
                chosen = _raising(lost)
            yield chosen

    def count(self) -> int | None:
        """Count them."""
        found = len(set(self.ids)) if self.ids else self.source.count()
        return found if found is None or self.sample is None else min(found, self.sample)

    def described(self) -> str:
        """Name the source."""
        return self.source.described()

    def nothing(self) -> str:
        """Say that the source has no documents."""
        return self.source.nothing()

    def _chosen(self, refs: Iterator[DocumentRef]) -> list[DocumentRef]:
        named = self._named(refs) if self.ids else refs
        if self.sample is None:
            return list(named)
        smallest = heapq.nsmallest(self.sample, enumerate(named), key=lambda each: _digest(each[1]))
        return [ref for _, ref in sorted(smallest, key=lambda each: each[0])]

    def _named(self, refs: Iterator[DocumentRef]) -> list[DocumentRef]:
        """Choose those of the ids; that of a file names all documents that it holds."""
        wanted, given = dict.fromkeys(self.ids), set[str]()
        found = []
        for ref in refs:
            names = wanted.keys() & {ref.document_id, file_of(ref.document_id)}
            if names:
                found.append(ref)
                given |= names
            if len(given) == len(wanted) and not (names and isinstance(ref, PartRef)):  # more may follow
                return found
        missing = ", ".join(repr(each) for each in wanted if each not in given)
        if not missing:
            return found
        raise ConfigError(
            f"no document of {self.described()} has the id {missing}: "
            "ids are paths from the working directory, or keys of rows, as in the results"
        )


@dataclass(frozen=True)
class Only:
    """The documents of a source that have one of these ids, as they are listed; those that are gone are not.

    A file that is to be divided anew is taken for what it held. Unlike Selected it holds no document: there
    may be very many.
    """

    source: Source
    ids: frozenset[str]

    @contextmanager
    def opened(self) -> Iterator[Iterator[DocumentRef]]:
        """List them in the source's order."""
        with self.source.opened() as refs:
            files = frozenset(map(file_of, self.ids))
            yield (
                ref
                for ref in refs
                if ref.document_id in self.ids or (isinstance(ref, Undivided) and ref.document_id in files)
            )

    def count(self) -> int | None:
        """Count them as if none were gone."""
        return len(self.ids)

    def described(self) -> str:
        """Name the source."""
        return self.source.described()

    def nothing(self) -> str:
        """Say that the source has no documents."""
        return self.source.nothing()


def _digest(ref: DocumentRef) -> bytes:
    return sha256(ref.document_id.encode(errors="surrogatepass")).digest()


def _raising(error: StorageError) -> Iterator[DocumentRef]:
    raise error
    yield
