"""The cache's records as files: which there are, which were used, and how one is freed while runs go on."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from docmill.tasks.chat.bytelock import lock_byte, unlock_byte
from docmill.tasks.chat.places import RECORDS, lock_file, make

USES = "used"
DIGEST = re.compile(r"[0-9a-f]{64}")
YOUNG_S = 12 * 3600.0  # what is read sooner after it was written is not noted


@dataclass(frozen=True)
class Record:
    """One file of the cache; `written` is in seconds since the epoch.

    `is_whole` is false of a part that a process left behind which died as it wrote.
    """

    file: Path
    digest: str
    size: int
    written: float
    is_whole: bool


def records(directory: Path) -> Iterator[Record]:
    """List the records of a cache, in no order; what is none of docmill's is left out."""
    for folder, _, names in os.walk(directory / RECORDS):
        for name in names:
            digest = name.removeprefix(".")[:64]
            file = Path(folder, name)
            if not DIGEST.fullmatch(digest) or (name != digest and not name.startswith(".")):
                continue
            with suppress(OSError):  # it went while it was listed
                told = file.lstat()
                if stat.S_ISREG(told.st_mode):
                    yield Record(file, digest, told.st_size, told.st_mtime, name == digest)


def note_use(directory: Path, digest: str, written: float) -> None:
    """Note that an older record was read, so that it stays; called while its key is locked."""
    now = datetime.now(UTC)
    if now.timestamp() - written < YOUNG_S:
        return
    with suppress(OSError):  # a full disk is no reason to pay for a reply again
        make(directory / USES)
        with (directory / USES / f"{now:%Y-%m-%d}").open("a", encoding="ascii") as stream:
            stream.write(f"{digest}\n")


class Uses:
    """The records that were read since a time, as they are noted; `read` takes in what has come since."""

    def __init__(self, directory: Path, since: float) -> None:
        self._directory = directory / USES
        self._since = datetime.fromtimestamp(since, UTC)
        self._read: dict[Path, int] = {}
        self._known: set[str] = set()

    def has(self, digest: str) -> bool:
        """Say whether a record was read since then; asked while its key is locked it holds."""
        if digest not in self._known:
            self._take_in()
        return digest in self._known

    def outdated(self) -> list[Path]:
        """List the notes of days before."""
        return [file for file in self._files() if not self._is_recent(file)]

    def _take_in(self) -> None:
        for file in filter(self._is_recent, self._files()):
            with file.open("rb") as stream:
                stream.seek(self._read.get(file, 0))
                lines, end, _ = stream.read().rpartition(b"\n")  # what is not whole is read again
                self._known.update(lines.decode("ascii").split())
                self._read[file] = self._read.get(file, 0) + len(lines + end)

    def _is_recent(self, file: Path) -> bool:
        return file.name >= f"{self._since:%Y-%m-%d}"

    def _files(self) -> list[Path]:
        return sorted(self._directory.iterdir()) if self._directory.is_dir() else []


def free(directory: Path, record: Record, uses: Uses) -> bool:
    """Remove a record, unless it is being asked for, was read meanwhile or written anew."""
    file = lock_file(directory)
    if not lock_byte(file, record.digest):
        return False
    try:
        if record.file.lstat().st_mtime != record.written or uses.has(record.digest):
            return False
        record.file.unlink()
    except FileNotFoundError:
        return False
    finally:
        unlock_byte(file, record.digest)
    return True
