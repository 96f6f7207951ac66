"""Where completions are kept and keys are locked: a directory, or a database that workers share."""

import asyncio
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from docmill.tasks.chat.bytelock import lock_byte, unlock_byte
from docmill.tasks.chat.places import LOCK_FILE, RECORDS, default_database, default_directory, lock_file, make
from docmill.tasks.chat.records import DirectoryRecords, Records, is_young, note_use
from docmill.tasks.checks import regular

IDENTITY = "identity"
RESULTS = "results"


class Cache(Protocol):
    """A place of records; a key is a path below it that ends in a digest (hexadecimal).

    Its text names the place, without a password; `remedy` says what to do where it takes nothing.
    """

    remedy: str

    async def read(self, key: str) -> tuple[bytes, float]:
        """Read a record, and when it was written (seconds since the epoch); OSError or ValueError: a miss."""

    async def write(self, key: str, content: bytes) -> None:
        """Write a record durably, all of it or nothing; OSError where that fails."""

    async def lock(self, key: str) -> bool:
        """Try to lock a key for this process; StorageError where locks cannot be had."""

    def try_lock(self, key: str) -> bool:
        """Try to lock a key for this process, outside of an event loop."""

    def unlock(self, key: str) -> None:
        """Unlock a key that this process has locked."""

    def identity(self) -> str:
        """Give what tells this cache from every other, the same for all processes; it blocks."""

    def note_use(self, key: str, written: float) -> None:
        """Note that a record was read, so that it stays; called while its key is locked."""

    def results(self) -> list[str]:
        """Read what was noted of the results databases that it serves, a line each; it blocks."""

    def note_results(self, line: str) -> None:
        """Note a results database; OSError or StorageError where that cannot be; it blocks."""

    def records(self, since: float) -> AbstractContextManager[Records]:
        """Open what it holds, with what was read since a time (seconds since the epoch); it blocks."""


@dataclass(frozen=True)
class DirectoryCache:
    """A directory: records are files, locks are bytes of one file, which the kernel frees at kill -9."""

    directory: Path
    remedy = "Make room there (or set DOCMILL_CACHE)"

    def __str__(self) -> str:
        return str(self.directory)

    async def read(self, key: str) -> tuple[bytes, float]:
        """Read a record, and when it was written."""
        # Small and hot: a thread would cost more than the read.
        with regular.opened(self.file(key), follow=False) as stream:
            return stream.read(), os.fstat(stream.fileno()).st_mtime

    async def write(self, key: str, content: bytes) -> None:
        """Write a record durably; what is not below chat/ is not kept."""
        file = self.file(key)
        if file.relative_to(self.directory).parts[0] == RECORDS:
            await asyncio.to_thread(write, file, content)

    async def lock(self, key: str) -> bool:
        """Try to lock a key for this process."""
        return self.try_lock(key)

    def try_lock(self, key: str) -> bool:
        """Try to lock a key for this process."""
        return lock_byte(lock_file(self.directory), digest(key))

    def unlock(self, key: str) -> None:
        """Unlock a key."""
        unlock_byte(self.directory / LOCK_FILE, digest(key))

    def identity(self) -> str:
        """Give the random id in the directory, which its first user makes."""
        file = self.directory / IDENTITY
        make(self.directory)
        with suppress(FileExistsError):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secrets.token_hex(16))
        for _ in range(100):  # another may have made it a moment ago
            if whole := file.read_text():
                return whole
            time.sleep(0.01)
        raise OSError(f"{file} is empty: remove it")

    def note_use(self, key: str, written: float) -> None:
        """Note that a record was read, unless it is young."""
        if not is_young(written):
            note_use(self.directory, digest(key))

    def results(self) -> list[str]:
        """Read the lines of the results databases."""
        file = self.directory / RESULTS
        return file.read_text().splitlines() if file.exists() else []

    def note_results(self, line: str) -> None:
        """Add a line, whole."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self.directory / RESULTS, flags, 0o600)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)

    @contextmanager
    def records(self, since: float) -> Iterator[Records]:
        """Open its records; there is nothing to close."""
        yield DirectoryRecords(self.directory, since)

    def file(self, key: str) -> Path:
        """Give a key's file; ValueError where that would be outside of the cache."""
        file = self.directory / key
        if ".." in file.parts or not file.is_relative_to(self.directory):
            raise ValueError(f"{key!r} is outside of the cache")
        return file


def default_cache() -> Cache:
    """Give the cache that DOCMILL_CACHE names, else the directory of the user's; connects to nothing yet.

    Raises ConfigError for what is no database's URL.
    """
    if url := default_database():
        from docmill.tasks.chat.database_cache import database_cache  # its driver is not always needed

        return database_cache(url)
    return DirectoryCache(default_directory())


def digest(key: str) -> str:
    """Give the digest that a key ends in."""
    return key.rpartition("/")[2]


def write(file: Path, content: bytes) -> None:
    """Write a file durably, all of it or nothing."""
    make(file.parent)
    part = file.parent / f".{file.name}.{secrets.token_hex(4)}"
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.utime(part)  # the file's own time comes from a clock that lags behind the run's start
        part.rename(file)
    except OSError:
        part.unlink(missing_ok=True)
        raise
