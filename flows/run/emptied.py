"""Folders of which nothing is listed any more: they may not be mounted, and what was in them is not gone."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from shlex import quote
from urllib.parse import unquote, urlsplit

from docmill.schemas.bundle import file_of
from docmill.tasks.sources.arrivals import named
from docmill.tasks.sources.documents import Documents
from docmill.tasks.sources.files import FileRef, Files

MOST_NAMED = 3


class Shown:
    """The folders of which a file was listed, in them or below."""

    def __init__(self) -> None:
        self._folders: set[str] = set()
        self._last = ""

    def add(self, file: FileRef) -> None:
        """Note where a listed file is."""
        folder = os.path.dirname(file.uri)  # noqa: PTH120  a URI
        if folder == self._last:
            return
        self._last = folder
        for each in _upwards(folder):
            if each in self._folders:
                break
            self._folders.add(each)

    def emptied(self, uri: str) -> str | None:
        """Give the uppermost folder that a file was in of which nothing was listed; None without one."""
        found = None
        for each in _upwards(os.path.dirname(uri)):  # noqa: PTH120
            if each in self._folders:
                break
            found = each
        return found


class Emptied:
    """Says which documents were in a folder that may not be mounted, and remembers them by these folders.

    `for_good` are folders of which a person says that they are gone.
    """

    def __init__(self, files: Files | Documents | None, shown: Shown, for_good: Collection[str]) -> None:
        self._files = files
        self._shown = shown
        self._for_good = [f"{each.as_uri().rstrip('/')}/" for each in whole_paths(for_good)]
        self.held: defaultdict[str, set[str]] = defaultdict(set)

    def has(self, document_id: str) -> bool:
        """Say whether a document that is no longer listed was in one, and the source would list it there."""
        found = named(file_of(document_id), self._files) if self._files else None
        if not isinstance(found, FileRef) or any(map(found.uri.startswith, self._for_good)):
            return False
        folder = self._shown.emptied(found.uri)
        if folder is not None:
            self.held[folder].add(document_id)
        return folder is not None

    def told(self) -> str | None:
        """Say what was kept back, and how it goes on where it is gone for good."""
        if not self.held:
            return None
        count = len(set.union(*self.held.values()))
        folders = sorted(map(_path, self.held))
        more = f" and {len(folders) - MOST_NAMED:,} more" if len(folders) > MOST_NAMED else ""
        outcomes = "1 document is" if count == 1 else f"{count:,} documents are"
        listing = ", ".join(folders[:MOST_NAMED])
        options = " ".join(f"--gone {quote(each)}" for each in folders[:MOST_NAMED])
        return (
            f"{outcomes} not taken as gone: nothing is listed any more of {listing}{more}, which may not be "
            f"mounted. Where that is gone for good: run once more with {options}"
        )


def whole_paths(folders: Collection[str]) -> list[Path]:
    """Give folders that a person has named by their whole paths."""
    return [Path(os.path.abspath(each)) for each in folders]  # noqa: PTH100


def _upwards(folder: str) -> Iterator[str]:
    while folder.startswith("file:///"):
        yield folder
        folder = os.path.dirname(folder)  # noqa: PTH120


def _path(uri: str) -> str:
    path = Path(unquote(urlsplit(uri).path))
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
