"""Objects of remote stores as documents: listed by globs, hashed and read by downloading."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from threading import Event

from docmill.schemas.document import AS_USUAL, Document, Sight
from docmill.schemas.errors import ConfigError, Deferred, StorageError, Unreadable
from docmill.tasks.sources.files import MAX_BYTES, document_of
from docmill.tasks.sources.hashes import Hashes
from docmill.tasks.sources.parsing import pool
from docmill.tasks.sources.store import Entry, TooLarge
from docmill.tasks.sources.stores import Stores, reason, unreached
from docmill.tasks.sources.urls import Address, UrlGlob, address_of

MAX_KEY_CHARS = 1024


class Access:
    """What the objects of one source share while it is open."""

    def __init__(self) -> None:
        self.stores = Stores()
        self.hashes = Hashes()
        self.closed = Event()

    def close(self) -> None:
        """End what is under way, also in a thread that nobody waits for; let the connections go."""
        self.closed.set()
        self.hashes.close()
        self.stores.close()  # which fails what is under way


@dataclass(frozen=True)
class ObjectRef:
    """An object that is a document; `size` is as it was listed, None where it was not."""

    document_id: str
    address: Address
    size: int | None = field(compare=False)
    access: Access = field(compare=False, repr=False)
    sight: Sight = AS_USUAL

    @property
    def uri(self) -> str:
        """Its URI, which is its id."""
        return self.document_id

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.address.key.rpartition("/")[2]

    def sha256(self) -> str | None:
        """Hash its bytes; None where they cannot be read, which `read` explains."""
        return self.access.hashes.of(self.document_id, self._hashed)

    def read(self) -> Document:
        """Read it; raises Unreadable, whose message is the reason and what to do about it, or Deferred."""
        self.access.hashes.forget(self.document_id)
        return document_of(self.content(), self.name, self.document_id, self.uri, self.sight)

    def expect(self) -> None:
        """Have its hash taken together with those of others, once one is asked for."""
        self.access.hashes.expect(self.document_id, self._hashed, self.size or 0)

    def _hashed(self) -> str | None:
        try:
            return hashlib.sha256(self.content()).hexdigest()
        except (Deferred, Unreadable):
            return None

    def content(self) -> bytes:
        """Give its bytes; raises Unreadable, or Deferred."""
        try:
            if (self.size or 0) > MAX_BYTES:
                raise TooLarge
            store = self.access.stores.of(self.address.protocol)
            return store.read(self.address.bucket, self.address.key, MAX_BYTES)
        except TooLarge:
            raise Unreadable(f"the object is larger than {MAX_BYTES:,} bytes: split it") from None
        except FileNotFoundError:
            raise Unreadable("the object is gone") from None
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, this document alone is failed
            kind = Deferred if unreached(error) else Unreadable
            raise kind(f"the object cannot be read: {reason(error)}") from None


class Objects:
    """The objects that URLs match."""

    def __init__(self, globs: tuple[UrlGlob, ...], sight: Sight = AS_USUAL) -> None:
        self._globs = globs
        self._sight = sight
        self._access = Access()

    @contextmanager
    def opened(self) -> Iterator[Iterator[ObjectRef]]:
        """List them; raises ConfigError where a bucket does not exist or cannot be listed.

        Iterating raises StorageError where the store is lost.
        """
        access = self._access = Access()
        with pool.kept():
            try:
                listings = [_begun(glob, access) for glob in self._globs]
                refs = (self._refs(index, listing) for index, listing in enumerate(listings))
                yield _Lasting(chain.from_iterable(refs), access)
            finally:
                access.close()

    def count(self) -> int | None:
        """Count them; None where they cannot be listed."""
        try:
            with Objects(self._globs).opened() as refs:
                return sum(1 for _ in refs)
        except (ConfigError, StorageError):
            return None

    def described(self) -> str:
        """Give its globs."""
        return ", ".join(glob.url for glob in self._globs)

    def named(self, uri: str) -> ObjectRef | None:
        """Find the object that a URI names; None for one that no glob matches. It is not looked for."""
        address = address_of(uri)
        if (
            address is None
            or len(address.key) > MAX_KEY_CHARS
            or not any(glob.matches(address) for glob in self._globs)
        ):
            return None
        return ObjectRef(address.uri(), address, None, self._access, self._sight)

    def _refs(self, index: int, listing: Iterator[Entry]) -> Iterator[ObjectRef]:
        glob, before = self._globs[index], self._globs[:index]
        for entry in _whole(glob, listing):
            address = Address(glob.protocol, glob.bucket, entry.key)
            if glob.matches(address) and not any(earlier.matches(address) for earlier in before):
                ref = ObjectRef(address.uri(), address, entry.size, self._access, self._sight)
                ref.expect()
                yield ref


class _Lasting(Iterator[ObjectRef]):
    """Fails again each time it is asked after the source was lost, and ends once it is closed."""

    def __init__(self, refs: Iterator[ObjectRef], access: Access) -> None:
        self._refs = refs
        self._access = access
        self._lost: str | None = None

    def __next__(self) -> ObjectRef:
        if self._lost:
            raise StorageError(self._lost)
        if self._access.closed.is_set():
            raise StopIteration
        try:
            return next(self._refs)
        except StorageError as error:
            self._lost = str(error)
            raise


def _begun(glob: UrlGlob, access: Access) -> Iterator[Entry]:
    """Begin a listing: its first page says whether there is such a bucket."""
    try:
        entries = access.stores.of(glob.protocol).entries(glob.bucket, glob.prefix, deep=glob.deep)
        return chain(list(islice(entries, 1)), entries)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a driver raises
        raise ConfigError(f"documents: {glob.url!r} cannot be listed: {reason(error)}") from None


def _whole(glob: UrlGlob, listing: Iterator[Entry]) -> Iterator[Entry]:
    try:
        yield from listing
    except Exception as error:  # noqa: BLE001 - whatever a driver raises
        raise StorageError(
            f"the source {glob.url} failed: {reason(error)}. Run again: the documents that were listed are "
            "accounted for, and the others are taken up then"
        ) from None
