"""Files that hold several documents: each of these as one, once it is known where it stands.

What a file holds is known from the run that divided it, as long as its bytes are the same; one that is not
divided yet is listed as a whole.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from docmill.schemas.bundle import Bundle, file_of
from docmill.schemas.errors import StorageError
from docmill.tasks.sources import scans
from docmill.tasks.sources.arrivals import Arrivals, named
from docmill.tasks.sources.batches import BATCH, FIRST_BATCH, batch
from docmill.tasks.sources.divided import Changed, Readings, Undivided
from docmill.tasks.sources.documents import Documents
from docmill.tasks.sources.files import FileRef, Files
from docmill.tasks.sources.remote import ObjectRef
from docmill.tasks.sources.source import DocumentRef

File = TypeVar("File", bound=FileRef | ObjectRef)
Known = Callable[[Mapping[str, str]], Mapping[str, Bundle]]  # of files, by id with the hash of their content


@dataclass(frozen=True)
class Bundles:
    """The files of a source, divided as far as that is `known`; those listed `anew` are not divided yet.

    None knows of nothing.
    """

    source: Files | Documents | Arrivals
    known: Known | None
    anew: bool = False

    @contextmanager
    def opened(self) -> Iterator[Iterator[DocumentRef]]:
        """List their documents; raises ConfigError as the source does."""
        with self.source.opened() as refs:
            yield _Listing(self, refs)

    def count(self) -> None:
        """Say nothing: what files hold is not known before they are divided."""

    def described(self) -> str:
        """Name the source."""
        return self.source.described()

    def nothing(self) -> str:
        """Say that the source has no files."""
        return self.source.nothing()

    def over(self, names: Sequence[str]) -> "Bundles":
        """Take the files of an event instead."""
        assert not isinstance(self.source, Arrivals)
        return replace(self, source=Arrivals(self.source, tuple(names)))

    def find(self, document_id: str, file_id: str | None, readings: Readings) -> DocumentRef:
        """Find what was listed before, without listing: a document within a file, else a file as a whole."""
        assert not isinstance(self.source, Arrivals)
        found = named(file_id or document_id, self.source)
        if not isinstance(found, FileRef | ObjectRef):
            return found
        file = Undivided(with_own_id(found), readings)
        if file_id is None:
            return file
        bundle = self._bundles([file]).get(file.document_id)
        parts = [] if bundle is None else map(file.part, bundle.parts)
        changed = Changed(file.file, document_id)
        return next((each for each in parts if each.document_id == document_id), changed)

    def divided(self, listed: Sequence[DocumentRef], readings: Readings) -> Iterator[DocumentRef]:
        """Give what these files hold, as far as it is known; raises StorageError."""
        refs = [
            Undivided(with_own_id(ref), readings) if isinstance(ref, FileRef | ObjectRef) else ref
            for ref in listed
        ]
        known = {} if self.anew else self._bundles([ref for ref in refs if isinstance(ref, Undivided)])
        for ref in refs:
            bundle = known.get(ref.document_id) if isinstance(ref, Undivided) else None
            if isinstance(ref, Undivided) and bundle is not None and _stands(bundle, ref):
                yield from map(ref.part, bundle.parts)
            else:
                yield ref

    def _bundles(self, files: Sequence[Undivided]) -> Mapping[str, Bundle]:
        """Give what is known of files by their ids; raises StorageError."""
        if self.known is None or not files:
            return {}
        return self.known({file.document_id: digest for file in files if (digest := file.sha256())})


class _Listing(Iterator[DocumentRef]):
    """Divides what a source lists; fails again each time it is asked after that was lost."""

    def __init__(self, bundles: Bundles, refs: Iterator[DocumentRef]) -> None:
        self._bundles = bundles
        self._refs = refs
        self._readings = Readings()
        self._size = FIRST_BATCH
        self._ready: deque[DocumentRef] = deque()
        self._lost: str | None = None

    def __next__(self) -> DocumentRef:
        if not self._ready:
            self._fill()
        if not self._ready:
            raise StopIteration
        return self._ready.popleft()

    def _fill(self) -> None:
        if self._lost is not None:
            raise StorageError(self._lost)
        try:
            listed = batch(self._refs, self._size)
            self._ready.extend(self._bundles.divided(listed, self._readings))
        except StorageError as error:
            self._lost = str(error)
            self._ready.clear()
            raise
        self._size = BATCH


def _stands(bundle: Bundle, ref: Undivided) -> bool:
    """Say whether a file's pages say no more than when it was divided: its pictures may be read by now."""
    return not (bundle.unseen and scans.reads(ref.file.sight.ocr))


def with_own_id(ref: File) -> File:
    """Give a file whose own name reads as that of a document within another its URI, encoded, as its id."""
    if file_of(ref.document_id) == ref.document_id:
        return ref
    return replace(ref, document_id=ref.uri.replace("#", "%23"))
