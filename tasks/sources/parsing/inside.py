"""The files within a file: attached to a mail, or packed in an archive; bounded before they are read.

Their names are words of the document's: nothing is ever written or opened by them.
"""

import functools
import json
import zlib
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing import wire
from docmill.tasks.sources.parsing.kinds import HEAD_CHARS, kind_of
from docmill.tasks.sources.parsing.mail import eml
from docmill.tasks.sources.parsing.office import office_kind
from docmill.tasks.sources.parsing.reasons import MAX_MEMBERS, Reason

ZIP = (b"PK\x03\x04", b"PK\x05\x06")
JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")  # what systems leave beside people's files
MAX_NAME_CHARS = 1000
MAX_MEMBER_BYTES = 20_000_000  # as of any other file
BROKEN = (BadZipFile, NotImplementedError, OSError, ValueError, EOFError, RuntimeError, zlib.error)
Found = dict[str, object]


def listed(content: bytes) -> bytes:
    """List the files within a file as JSON; null where it is no container. Raises Unreadable."""
    files = _attached(content) if not _is_zip(content) else _packed(content) if _is_archive(content) else None
    return json.dumps(files if files is None else list(files)).encode()


def member(asked: bytes) -> bytes:
    """Give the bytes of one of the files within a file; raises Unreadable."""
    number, _, content = wire.asked(asked)
    if not _is_zip(content):
        found = _files(content)
        if number >= len(found):
            raise Unreadable(Reason.DAMAGED)
        return _bounded(found[number][1])
    with ZipFile(BytesIO(content)) as archive:
        entries = _entries(archive)
        if number >= len(entries):
            raise Unreadable(Reason.DAMAGED)
        if entries[number].file_size > MAX_MEMBER_BYTES:
            raise Unreadable(Reason.MEMBER)
        with archive.open(entries[number]) as file:
            return _bounded(file.read(MAX_MEMBER_BYTES + 1))


def _is_zip(content: bytes) -> bool:
    return content[:HEAD_CHARS].lstrip().startswith(ZIP)


def _is_archive(content: bytes) -> bool:
    """Say whether it is an archive and no document; raises Unreadable for a bomb."""
    try:
        office_kind(content)
    except Unreadable as error:
        if error.args[0] is Reason.ARCHIVE:
            return True
        raise
    return False


def _attached(content: bytes) -> Iterator[Found]:
    found = _files(content)
    if len(found) > MAX_MEMBERS:
        raise Unreadable(Reason.MEMBERS)
    for name, file in found:
        yield _found(name, len(file), file)


@functools.lru_cache(maxsize=1)
def _files(content: bytes) -> list[tuple[str, bytes]]:
    """Take a mail apart once for all that is attached to it: one after the other is asked for."""
    return eml.files(content)


def _packed(content: bytes) -> Iterator[Found]:
    with ZipFile(BytesIO(content)) as archive:
        entries = _entries(archive)
        if len(entries) > MAX_MEMBERS:
            raise Unreadable(Reason.MEMBERS)
        for entry in entries:
            try:
                # No more than it declares: zipfile stops there.
                file = archive.read(entry) if entry.file_size <= MAX_MEMBER_BYTES else None
            except BROKEN:
                file = None
            yield _found(entry.filename, entry.file_size, file)


def _found(name: str, size: int, content: bytes | None) -> Found:
    """Describe a file; of one that is damaged or too large there is no hash, and its reading says why."""
    digest = None if content is None else sha256(content).hexdigest()
    known = {"name": name[-MAX_NAME_CHARS:], "size": size, "sha256": digest}
    return {**known, "holds_more": content is not None and _holds_more(content, PurePosixPath(name).suffix)}


def _holds_more(content: bytes, suffix: str) -> bool:
    match kind_of(content, suffix.lower()):
        case "eml":
            return True
        case "office":
            try:
                return _is_archive(content)
            except Unreadable:
                return False
    return False


def _entries(archive: ZipFile) -> list[ZipInfo]:
    return [each for each in archive.infolist() if not each.is_dir() and not _is_junk(each.filename)]


def _is_junk(name: str) -> bool:
    return name.startswith(JUNK[0]) or name.rpartition("/")[2] in JUNK[1:]


def _bounded(content: bytes) -> bytes:
    if len(content) > MAX_MEMBER_BYTES:
        raise Unreadable(Reason.MEMBER)
    return content
