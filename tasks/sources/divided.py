"""A file that may hold several documents, and each of these as one of its own."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Generic, TypeVar
from urllib.parse import quote

from docmill.schemas.bundle import BundlePart
from docmill.schemas.document import Document
from docmill.schemas.errors import Deferred
from docmill.tasks.sources.files import document_of, refuse_large
from docmill.tasks.sources.slices import pages
from docmill.tasks.sources.source import FileLike
from docmill.tasks.sources.within import member, unpacked_name, within

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
MOST_KEPT = 4
CHANGED = "the file has changed since it was divided: run again"


class _Slot(Generic[T]):
    """What is being made, or was."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: T | None = None


class _Last(Generic[K, T]):
    """What was made last, by its keys: who asks for the same waits, and gets it."""

    def __init__(self) -> None:
        self._slots: dict[K, _Slot[T]] = {}
        self._lock = threading.Lock()

    def of(self, key: K, make: Callable[[], T]) -> T:
        """Give it, or make it."""
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            while len(self._slots) > MOST_KEPT:
                del self._slots[next(iter(self._slots))]
        with slot.lock:
            if slot.made is None:
                slot.made = make()
            return slot.made


class Readings:
    """The files that were read last: documents that are in one file, or are pages of it, read it once."""

    def __init__(self) -> None:
        self._contents: _Last[str, bytes] = _Last()
        self._documents: _Last[tuple[str, BundlePart], Document] = _Last()

    def content(self, file: FileLike) -> bytes:
        """Give the bytes of a file, which may lie far away; raises as its own `content` does."""
        return self._contents.of(file.document_id, file.content)

    def read(self, file: FileLike, part: BundlePart) -> Document:
        """Read a file, or what is attached to it, as one document; raises Unreadable, or Deferred."""
        name = unpacked_name(part.name) if part.members else file.name
        content = member(self.content(file), part.members)
        return document_of(content, name, file.document_id, file.uri, file.sight, apart=part.is_apart)

    def whole(self, file: FileLike, part: BundlePart) -> Document:
        """Read the file, or the attachment, whose pages a part is."""
        whole = part.model_copy(
            update={"pages": None, "doubts": (), "name": part.name.partition("#pages=")[0]}
        )
        return self._documents.of((file.document_id, whole), lambda: self.read(file, whole))


@dataclass(frozen=True)
class PartRef:
    """A document within a file."""

    file: FileLike
    part: BundlePart
    readings: Readings = field(compare=False, repr=False)

    @property
    def document_id(self) -> str:
        """The file's id, and what leads to it in the file."""
        return self.file.document_id + self.part.name

    @property
    def uri(self) -> str:
        """The file's URI, and the same as its fragment."""
        return _uri(self.file, self.part.name)

    def sha256(self) -> str | None:
        """Give the hash of the file, or of the attachment, by which it was divided."""
        return self.part.sha256

    def read(self) -> Document:
        """Read it; raises Unreadable, or Deferred where the file is another one by now."""
        part = self.part
        readings = self.readings
        document = (readings.read if part.pages is None else readings.whole)(self.file, part)
        if part.sha256 not in (None, document.content_sha256):
            raise Deferred(CHANGED)
        return self.of(document)

    def of(self, document: Document) -> Document:
        """Give it out of the document that the whole file, or attachment, is."""
        part = document if self.part.pages is None else pages(document, *self.part.pages)
        own = {"document_id": self.document_id, "uri": self.uri, "unread": (*part.unread, *self.part.doubts)}
        return part.model_copy(update=own)

    def content(self) -> bytes:
        """Give the bytes of the file, or of the attachment."""
        return member(self.file.content(), self.part.members)


@dataclass(frozen=True)
class Changed:
    """A document within a file that is another one since it was listed."""

    file: FileLike
    document_id: str

    @property
    def uri(self) -> str:
        """What its URI was."""
        return _uri(self.file, self.document_id.removeprefix(self.file.document_id))

    def sha256(self) -> None:
        """Give no hash: its content is no more."""

    def read(self) -> Document:
        """Raise Deferred, or Unreadable where the file is gone."""
        self.file.content()
        raise Deferred(CHANGED)


@dataclass
class Undivided:
    """A file of which is not known yet what it holds; its hash is taken once."""

    file: FileLike
    readings: Readings = field(repr=False)
    digest: str | None = None

    @property
    def document_id(self) -> str:
        """The file's id."""
        return self.file.document_id

    @property
    def uri(self) -> str:
        """The file's URI."""
        return self.file.uri

    def sha256(self) -> str | None:
        """Hash its bytes; None where they cannot be read."""
        self.digest = self.digest or self.file.sha256()
        return self.digest

    def read(self) -> Document:
        """Read it as a whole."""
        return self.file.read()

    def content(self) -> bytes:
        """Give its bytes."""
        return self.file.content()

    def parts(self) -> list[BundlePart]:
        """List what it holds, without regard to its pages; raises Unreadable, or Deferred."""
        content = self.readings.content(self.file)
        refuse_large(content)
        self.digest = sha256(content).hexdigest()
        return within(content, self.file.name, self.digest)

    def part(self, part: BundlePart) -> PartRef:
        """Give a document that it holds."""
        return PartRef(self.file, part, self.readings)


def _uri(file: FileLike, name: str) -> str:
    return file.uri + quote(name, safe="#=%")
