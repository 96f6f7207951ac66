"""An inbox: the files of a pipeline below one directory, and when each is to be looked at next."""

import glob
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import accumulate
from pathlib import Path

from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.bundles import with_own_id
from docmill.tasks.sources.files import FileRef, ref_of
from docmill.tasks.sources.patterns import Found, lookup, walk

SETTLE_S = 2.0
SOON_S = 1.0
PROBE = "any-name"
Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Arrival:
    """A complete file. No hash: it cannot be read."""

    ref: FileRef
    sha256: str | None
    path: str


@dataclass(slots=True)
class _Known:
    stamp: Stamp
    named: bool
    due: float
    hashed: bool = False
    sha256: str | None = None
    quiet_until: float = 0.0  # this content is not announced again before


class Inbox:
    """The files below `directory`, an absolute path, that the patterns match. Times are the caller's clock.

    Where the pipeline `divides` files, their ids are those of such a source.
    A file is complete when its stamp has not changed for `settle_s`; each is hashed once a stamp.
    Methods raise ConfigError where the directory of a pattern does not exist.
    """

    def __init__(
        self,
        directory: str,
        patterns: Sequence[str],
        root: Path,
        settle_s: float = SETTLE_S,
        *,
        divides: bool = False,
    ) -> None:
        if not Path(directory).is_dir():
            raise ConfigError(f"there is no directory {directory!r}")
        if not _within_reach(directory, patterns, root):
            listing = ", ".join(repr(pattern) for pattern in patterns)
            raise ConfigError(f"documents: {listing} matches no file below {directory!r}")
        self._below = directory.rstrip("/") + "/"
        self._patterns = patterns
        self._root = root
        self._settle_s = settle_s
        self._divides = divides
        self._files: dict[str, _Known] = {}
        self._queue: list[tuple[float, str]] = []  # entries whose time is no longer their file's are void

    def notice(self, paths: Iterable[str], now: float) -> None:
        """Look at paths that may have changed."""
        for path in paths:
            if (found := lookup(self._patterns, path, self._root)) is None:
                continue
            if (known := self._looked_at(found, now)) is not None:
                self._files[path] = known

    def scan(self, now: float) -> None:
        """Look at every file; those that are gone are forgotten."""
        looked = (
            (found.path, self._looked_at(found, now))
            for found in walk(self._patterns, self._root)
            if found.path.startswith(self._below)
        )
        self._files = {path: known for path, known in looked if known is not None}

    def due(self, now: float) -> bool:
        """Say whether a file may be due."""
        return bool(self._queue) and self._queue[0][0] <= now

    def ripe(self, now: float) -> Iterator[Arrival]:
        """Give the complete files that are due; each is due again in a second, unless it is put off."""
        while self.due(now):
            due, path = heappop(self._queue)
            known = self._files.get(path)
            if known is None or known.due != due:
                continue
            if (arrival := self._arrival(path, known, now)) is not None:
                self._put(path, known, now + SOON_S)
                yield arrival

    def put_off(self, arrival: Arrival, until: float) -> None:
        """Look at a file next at this time."""
        if (known := self._files.get(arrival.path)) is not None:
            self._put(arrival.path, known, until)

    def announced(self, arrival: Arrival, quiet_until: float) -> None:
        """Take in that a file was announced: with this content it is not due again before the time given."""
        if (known := self._files.get(arrival.path)) is not None:
            known.quiet_until = quiet_until
            self._put(arrival.path, known, quiet_until)

    def unheard(self, now: float) -> None:
        """Take in that nobody may have heard of what was announced: it is due at once."""
        for path, known in self._files.items():
            if known.quiet_until > now:
                known.quiet_until = 0.0
                self._put(path, known, now)

    def _arrival(self, path: str, known: _Known, now: float) -> Arrival | None:
        ref = ref_of(Found(path, known.named), self._root)
        ref = with_own_id(ref) if self._divides else ref
        if not known.hashed:
            digest = ref.sha256()
            if digest != known.sha256:
                known.sha256, known.quiet_until = digest, 0.0
            known.hashed = True
        stamp = _stamp(path)
        if stamp is None:
            del self._files[path]
        elif stamp != known.stamp:  # before the hash was taken, or meanwhile
            self._changed(path, known, stamp, now)
        elif now < known.quiet_until:
            self._put(path, known, known.quiet_until)
        else:
            return Arrival(ref, known.sha256, path)
        return None

    def _looked_at(self, found: Found, now: float) -> _Known | None:
        if (stamp := _stamp(found.path)) is None:
            return None
        known = self._files.get(found.path)
        if known is None:
            known = _Known((), found.named, 0.0)
        if known.stamp != stamp:
            self._changed(found.path, known, stamp, now)
        return known

    def _changed(self, path: str, known: _Known, stamp: Stamp, now: float) -> None:
        known.stamp, known.hashed = stamp, False
        self._put(path, known, now + self._settle_s)

    def _put(self, path: str, known: _Known, due: float) -> None:
        known.due = due
        heappush(self._queue, (due, path))


def _stamp(path: str) -> Stamp | None:
    """Read what changes with a file's content, or with who may read it; None for what is no file."""
    with suppress(OSError):
        try:
            status = os.stat(path)  # noqa: PTH116 - a Path for each file would take most of a scan's time
        except OSError:
            status = os.lstat(path)  # a link that leads to nothing is a document that fails
        if not stat.S_ISDIR(status.st_mode):
            return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
    return None


def _within_reach(directory: str, patterns: Sequence[str], root: Path) -> bool:
    """Tell whether a pattern could match below the directory: whether the start of one matches in it."""
    whole = [text if text.startswith("/") else f"{glob.escape(str(root))}/{text}" for text in patterns]
    folders: set[str] = set()
    for pattern in whole:
        *before, last = pattern.split("/")
        folders.update(accumulate([*before, last] if last == "**" else before, "{}/{}".format))
    starts = [f"{folder}/{PROBE}" for folder in folders]
    return lookup(starts, f"{directory.rstrip('/')}/{PROBE}", root) is not None
