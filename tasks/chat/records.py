"""The cache's records as files: which there are, which were used, and how one is freed while runs go on."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from docmill.tasks.chat.bytelock import lock_byte, unlock_byte
from docmill.tasks.chat.places import RECORDS, lock_file, make

USES = "used"
DIGEST = re.compile(r"[0-9a-f]{64}")
YOUNG_S = 12 * 3600.0  # what is read sooner after it was written is not noted


@dataclass(frozen=True)
class Record:
    """One record of a cache; times are in seconds since the epoch.

    `place` is its file, or its key in a database. `is_whole` is false of a part that a process left behind
    which died as it wrote.
    """

    place: str
    digest: str
    size: int
    written: float
    is_whole: bool = True
    was_used: bool = False


class Records(Protocol):
    """What a cache holds, and which of it was read since a time."""

    def each(self) -> Iterator[Record]:
        """List the records, in no order; what is none of docmill's is left out."""

    def was_used(self, record: Record) -> bool:
        """Say whether a record was read since then."""

    def free(self, records: Iterable[Record]) -> list[Record]:
        """Remove records but for those asked for, read or written anew meanwhile; gives which went."""

    def forget(self) -> None:
        """Remove the notes of what was read before."""


def is_young(written: float) -> bool:
    """Say whether a record is read without a note."""
    return datetime.now(UTC).timestamp() - written < YOUNG_S


def note_use(directory: Path, digest: str) -> None:
    """Note that an older record was read, so that it stays; called while its key is locked."""
    with suppress(OSError):  # a full disk is no reason to pay for a reply again
        make(directory / USES)
        with (directory / USES / f"{datetime.now(UTC):%Y-%m-%d}").open("a", encoding="ascii") as stream:
            stream.write(f"{digest}\n")


class DirectoryRecords:
    """A directory's records, and the notes of the days since a time."""

    def __init__(self, directory: Path, since: float) -> None:
        self._directory = directory
        self._notes = directory / USES
        self._since = f"{datetime.fromtimestamp(since, UTC):%Y-%m-%d}"
        self._read: dict[Path, int] = {}
        self._known: set[str] = set()

    def each(self) -> Iterator[Record]:
        """List the records, in no order; what is none of docmill's is left out."""
        for folder, _, names in os.walk(self._directory / RECORDS):
            for name in names:
                digest = name.removeprefix(".")[:64]
                file = Path(folder, name)
                if not DIGEST.fullmatch(digest) or (name != digest and not name.startswith(".")):
                    continue
                with suppress(OSError):  # it went while it was listed
                    told = file.lstat()
                    if stat.S_ISREG(told.st_mode):
                        yield Record(str(file), digest, told.st_size, told.st_mtime, name == digest)

    def was_used(self, record: Record) -> bool:
        """Say whether a record was read since then; asked while its key is locked it holds."""
        if record.digest not in self._known:
            self._take_in()
        return record.digest in self._known

    def free(self, records: Iterable[Record]) -> list[Record]:
        """Remove records, each under its key's lock; gives which went."""
        return [record for record in records if self._freed(record)]

    def forget(self) -> None:
        """Remove the notes of days before."""
        for file in self._files():
            if file.name < self._since:
                file.unlink(missing_ok=True)

    def _freed(self, record: Record) -> bool:
        locks, file = lock_file(self._directory), Path(record.place)
        if not lock_byte(locks, record.digest):
            return False
        try:
            if file.lstat().st_mtime != record.written or self.was_used(record):
                return False
            file.unlink()
        except FileNotFoundError:
            return False
        finally:
            unlock_byte(locks, record.digest)
        return True

    def _take_in(self) -> None:
        """Read what was noted since the last look."""
        for file in self._files():
            if file.name >= self._since:
                with file.open("rb") as stream:
                    stream.seek(self._read.get(file, 0))
                    lines, end, _ = stream.read().rpartition(b"\n")  # what is not whole is read again
                self._known.update(lines.decode("ascii", "replace").split())
                self._read[file] = self._read.get(file, 0) + len(lines + end)

    def _files(self) -> list[Path]:
        return sorted(self._notes.iterdir()) if self._notes.is_dir() else []
