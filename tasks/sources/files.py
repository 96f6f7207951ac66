"""Files as documents: listed by globs, hashed, and read once for both their hash and their text."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from io import BufferedReader
from pathlib import Path, PurePath

from docmill.schemas.document import AS_USUAL, Document, Recognized, Sight, Unread
from docmill.schemas.errors import ConfigError, Unreadable
from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing import pool
from docmill.tasks.sources.parsing.kinds import kind_of
from docmill.tasks.sources.patterns import Found, walk

MAX_BYTES = 20_000_000


@dataclass(frozen=True)
class FileRef:
    """A file that is a document.

    `document_id` is the path relative to the working directory where it lies below it, else its
    URI, as where a name could not be printed. Where `below` names folders, it is read only if it lies
    below one of them once links are followed. `sight` says what
    is done with its pictures, `unlisted` that it is no file but a directory that cannot be listed.
    """

    document_id: str
    uri: str
    path: Path
    below: tuple[Path, ...] = ()
    sight: Sight = AS_USUAL
    unlisted: bool = False

    @property
    def name(self) -> str:
        """Its file name."""
        return self.path.name

    def sha256(self) -> str | None:
        """Hash its bytes; None where they cannot be read, which `read` explains."""
        try:
            return content_sha256(self.path, self.below)
        except Unreadable:
            return None

    def read(self) -> Document:
        """Read it; the hash is that of the very bytes that the text was made of.

        Raises Unreadable, whose message is the reason and what to do about it.
        """
        return document_of(self.content(), self.name, self.document_id, self.uri, self.sight)

    def content(self) -> bytes:
        """Give its bytes, a byte more than are read at most; raises Unreadable."""
        with _opened(self.path, self.below) as file, _reasons():
            return file.read(MAX_BYTES + 1)


@dataclass(frozen=True)
class Files:
    """The files that the patterns match, as a source; `below` and `sight` as a file has them."""

    patterns: tuple[str, ...]
    below: tuple[Path, ...] = ()
    sight: Sight = AS_USUAL

    @contextmanager
    def opened(self) -> Iterator[Iterator[FileRef]]:
        """List them; raises ConfigError where the directory of a pattern does not exist."""
        listing = (replace(ref, below=self.below, sight=self.sight) for ref in listed(self.patterns))
        with pool.kept():
            yield listing

    def count(self) -> int | None:
        """Count them; None where a directory is gone meanwhile."""
        try:
            return sum(1 for _ in listed(self.patterns))
        except ConfigError:
            return None

    def described(self) -> str:
        """Give its globs."""
        return ", ".join(self.patterns)

    def nothing(self) -> str:
        """Say that no file matches."""
        listing = ", ".join(repr(pattern) for pattern in self.patterns)
        return f"documents: {listing} matches no file below {Path.cwd()}"


def listed(patterns: Sequence[str], root: Path | None = None) -> Iterator[FileRef]:
    """List the files that the patterns match, sorted within a directory, each once.

    `root` is the working directory unless given. What is matched but cannot be read, such as a
    pipe, is listed too: its `read` says why. Raises ConfigError, before the first document, where the
    directory of a pattern does not exist.
    """
    base = (root or Path.cwd()).absolute()
    return (ref_of(found, base) for found in walk(patterns, base))


def ref_of(found: Found, root: Path) -> FileRef:
    """Make the document of a file that was found; `root` is the working directory."""
    path = Path(found.path)
    uri = path.as_uri()
    below = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
    # A name of bytes that are no characters, or that could move a terminal's cursor, has its URI.
    document_id = below if below and below.isprintable() else uri
    # The pipeline itself names this link, so `read` may follow it anywhere.
    followed = Path(os.path.realpath(path)) if found.named and path.is_symlink() else path
    return FileRef(document_id, uri, followed, unlisted=found.unlisted)


def document_of(
    content: bytes, name: str, document_id: str, uri: str, sight: Sight = AS_USUAL, *, apart: bool = False
) -> Document:
    """Make the document of a file's bytes, cut after MAX_BYTES + 1; raises Unreadable.

    `apart` leaves out what is attached to a mail.
    """
    refuse_large(content)
    if not content.strip():
        raise Unreadable("the file is empty")
    text = parsed(content, name, sight.ocr, shown=sight.shown, apart=apart)
    return Document(
        document_id=document_id,
        uri=uri,
        content_sha256=sha256(content).hexdigest(),
        text=text.text,
        page_starts=text.page_starts,
        unread=tuple(Unread(part=part, why=why) for part, why in text.unread),
        recognized=tuple(Recognized(**span._asdict()) for span in text.seen),
        pictures=text.shown,
        is_paged=kind_of(content, PurePath(name).suffix.lower()) in ("pdf", "image"),
    )


def refuse_large(content: bytes) -> None:
    """Raise Unreadable for the bytes of a file that were cut after MAX_BYTES + 1."""
    if len(content) > MAX_BYTES:
        raise Unreadable(f"the file is larger than {MAX_BYTES:,} bytes: split it")


def content_sha256(path: Path, below: Sequence[Path] = ()) -> str:
    """Hash a file's bytes, of any number; raises Unreadable, also where it does not lie `below`."""
    with _opened(path, below) as file, _reasons():
        return file_digest(file, sha256).hexdigest()


def require_readable(ref: FileRef) -> None:
    """Raise Unreadable where a file may not be read, or is none."""
    with _opened(ref.path, ref.below):
        pass


@contextmanager
def _opened(path: Path, below: Sequence[Path]) -> Iterator[BufferedReader]:
    """Open a regular file; nothing else is opened, as that could wait for ever or move a device."""
    with _reasons():
        _refuse_escape(path, below)
        _refuse_special(path.stat().st_mode)
        # A pipe that takes the file's place between the two calls must not block either.
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    with file:
        _refuse_special(os.fstat(file.fileno()).st_mode)
        yield file


def _refuse_escape(path: Path, below: Sequence[Path]) -> None:
    """Refuse a link out of its directory: who may only add files must not name any other file."""
    if below and not any(path.resolve().is_relative_to(folder) for folder in below):
        raise Unreadable("a link that leads to where the pipeline may not read: see DOCMILL_ROOTS")
    if path.is_symlink() and not path.resolve(strict=True).is_relative_to(path.parent.resolve()):
        raise Unreadable("a link that leads out of its directory: put the file itself there")


def _refuse_special(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise Unreadable("a directory that cannot be listed: give docmill's user permission to read it")
    if not stat.S_ISREG(mode):
        raise Unreadable("not a regular file but a device, pipe or socket: leave it out of the source")


@contextmanager
def _reasons() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Unreadable("the file is gone, or a link that leads to nothing") from None
    except PermissionError:
        raise Unreadable("no permission: give docmill's user permission to read the file") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: Python 3.11 for a link to itself
        reason = error.strerror if isinstance(error, OSError) else "a link that leads to itself"
        raise Unreadable(f"the file cannot be read: {reason}") from None
