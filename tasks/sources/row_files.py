"""The files that rows name: below the folders and URLs that a row may name, and nowhere else."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from docmill.schemas.document import Document
from docmill.schemas.errors import ConfigError, Unreadable
from docmill.tasks.sources.files import ref_of
from docmill.tasks.sources.parsing import pool
from docmill.tasks.sources.patterns import Found
from docmill.tasks.sources.remote import MAX_KEY_CHARS, Access, ObjectRef
from docmill.tasks.sources.source import DocumentRef
from docmill.tasks.sources.urls import address_of, is_remote, path_of, url_glob

BETWEEN = "\n\n"
ELSEWHERE = "the file that the row names lies elsewhere than rows may name: see DOCMILL_ROOTS"


@dataclass(frozen=True)
class Permitted:
    """Folders and beginnings of URLs below which rows may name files."""

    folders: tuple[Path, ...]
    urls: tuple[str, ...] = ()


class RowFiles:
    """Finds the files that rows name, while it is open."""

    def __init__(self, permitted: Permitted) -> None:
        self._permitted = permitted
        self._access: Access | None = None

    @contextmanager
    def opened(self) -> Iterator["RowFiles"]:
        """Hold what reading files takes."""
        self._access = access = Access()
        with pool.kept():
            try:
                yield self
            finally:
                access.close()

    def named(self, name: str) -> DocumentRef:
        """Find a file by its path or URL, unlooked for; raises Unreadable for what no row may name."""
        try:
            return self._remote(name) if is_remote(name) else self._local(path_of(name))
        except (ConfigError, ValueError):
            raise Unreadable("what the row names is no file's path and no object's URL") from None

    def _local(self, name: str) -> DocumentRef:
        real = Path(os.path.realpath(name))
        if not any(real.is_relative_to(folder) for folder in self._permitted.folders):
            raise Unreadable(ELSEWHERE)
        path = os.path.abspath(name)  # noqa: PTH100 - resolve() would follow links
        return replace(ref_of(Found(path, named=False), Path.cwd()), below=self._permitted.folders)

    def _remote(self, name: str) -> DocumentRef:
        url_glob(name)  # refuses other stores, and users in the URL
        address = address_of(name)
        assert address is not None
        assert self._access is not None
        within = any(address.uri().startswith(url) for url in self._permitted.urls)
        if not within or ".." in address.key.split("/") or len(address.key) > MAX_KEY_CHARS:
            raise Unreadable(ELSEWHERE)
        return ObjectRef(address.uri(), address, None, self._access)


def together_sha256(text: str, file: DocumentRef) -> str | None:
    """Hash a row's text and its file; None where the file cannot be read, which `read` explains."""
    digest = file.sha256()
    return None if digest is None else _both(text, digest)


def together(text: str, file: DocumentRef, document_id: str, uri: str) -> Document:
    """Read the file of a row, and put the row's own text before it; raises as the file's `read` does."""
    read = file.read()
    begin = len(text) + len(BETWEEN) if text else 0
    recognized = [
        each.model_copy(update={"start": each.start + begin, "end": each.end + begin})
        for each in read.recognized
    ]
    return read.model_copy(
        update={
            "document_id": document_id,
            "uri": uri,
            "content_sha256": _both(text, read.content_sha256),
            "text": f"{text}{BETWEEN}{read.text}" if text else read.text,
            "page_starts": tuple(start and start + begin for start in read.page_starts),
            "recognized": tuple(recognized),
        }
    )


def _both(text: str, digest: str) -> str:
    return sha256(f"{text}\0{digest}".encode()).hexdigest()
