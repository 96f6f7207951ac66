"""The documents that an event names, as a source: what the pipeline's own does not hold is refused."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from docmill.schemas.document import AS_USUAL, Document, Sight
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.documents import Documents
from docmill.tasks.sources.files import FileRef, Files, ref_of
from docmill.tasks.sources.patterns import lookup
from docmill.tasks.sources.remote import ObjectRef

MAX_ID_CHARS = 1000


@dataclass(frozen=True)
class Outside:
    """A document that an event names and the pipeline's source does not hold: it is never opened."""

    document_id: str
    uri: str

    def sha256(self) -> None:
        """Give no hash: its content is not looked at."""

    def read(self) -> Document:
        """Raise Unreadable."""
        raise Unreadable("outside the pipeline's source")


@dataclass(frozen=True)
class Arrivals:
    """The documents of an event, each once, in its order; `whole` is the pipeline's own source."""

    whole: Files | Documents
    names: tuple[str, ...]

    @contextmanager
    def opened(self) -> Iterator[Iterator[FileRef | ObjectRef | Outside]]:
        """List them; raises ConfigError where the pipeline's own source does not exist."""
        with self.whole.opened():
            refs = self._refs()
            for ref in refs:
                if isinstance(ref, ObjectRef):
                    ref.expect()
            yield iter(refs)

    def count(self) -> int:
        """Count them."""
        return len(self._refs())

    def described(self) -> str:
        """Say that they are an event's."""
        return f"arrived of {self.whole.described()}"

    def nothing(self) -> str:
        """Say that the event names none."""
        return "documents: the event names none"

    def _refs(self) -> list[FileRef | ObjectRef | Outside]:
        refs = (named(name, self.whole) for name in self.names)
        return list({ref.document_id: ref for ref in refs}.values())


def named(name: str, whole: Files | Documents) -> FileRef | ObjectRef | Outside:
    """Find the document of a source that a path or URI names, without listing the source."""
    files = whole if isinstance(whole, Files) else whole.files
    if isinstance(whole, Documents) and (found := whole.objects.named(name)):
        return found
    ref = located(name, files.patterns, Path.cwd(), files.sight)
    return replace(ref, below=files.below) if isinstance(ref, FileRef) else ref


def located(name: str, patterns: Sequence[str], root: Path, sight: Sight = AS_USUAL) -> FileRef | Outside:
    """Find the document that a path, relative to `root` where it is relative, or a file's URI names."""
    path = _path(name, root)
    found = lookup(patterns, path, root) if path else None
    if found:
        return replace(ref_of(found, root), sight=sight)
    # It may be anything: its name is kept short, and printable.
    known = path.removeprefix(f"{root}/") if path else name
    shown = "".join(char if char.isprintable() else "\ufffd" for char in known)[:MAX_ID_CHARS]
    return Outside(shown, Path(path).as_uri() if path else shown)


def _path(name: str, root: Path) -> str | None:
    """Give the absolute path that a name stands for; None where it is no file's."""
    try:
        os.fsencode(name)
        parts = urlsplit(name)
    except ValueError:
        return None
    if "://" in name or parts.scheme == "file":
        if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
            return None
        name = unquote(parts.path)
    if not name or "\0" in name:
        return None
    return os.path.abspath(root / name)  # noqa: PTH100 - resolve() would follow links
