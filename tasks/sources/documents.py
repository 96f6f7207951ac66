"""The source of a pipeline's `documents`: local files, objects of remote stores, or both."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

from docmill.schemas.document import AS_USUAL, Sight
from docmill.tasks.sources.files import FileRef, Files
from docmill.tasks.sources.remote import ObjectRef, Objects
from docmill.tasks.sources.urls import is_remote, path_of, url_glob


def source_of(patterns: Sequence[str], sight: Sight = AS_USUAL) -> "Files | Documents":
    """Make the source of patterns, which are globs and URLs; raises ConfigError for a wrong URL.

    `sight` says what is done with the pictures of its documents.
    """
    local = tuple(path_of(pattern) for pattern in patterns if not is_remote(pattern))
    globs = tuple(url_glob(pattern) for pattern in patterns if is_remote(pattern))
    files = Files(local, sight=sight)
    return Documents(files, Objects(globs, sight)) if globs else files


class Documents:
    """Local files, then remote objects, as one source."""

    def __init__(self, files: Files, objects: Objects) -> None:
        self.files = files
        self.objects = objects

    @contextmanager
    def opened(self) -> Iterator[Iterator[FileRef | ObjectRef]]:
        """List them; raises ConfigError where a directory or bucket does not exist.

        Iterating raises StorageError where a remote store is lost.
        """
        with self.files.opened() as files, self.objects.opened() as objects:
            yield chain(files, objects)

    def count(self) -> int | None:
        """Count them; None where some cannot be listed."""
        counts = self.files.count(), self.objects.count()
        return None if None in counts else sum(filter(None, counts))

    def described(self) -> str:
        """Give its globs."""
        return ", ".join(filter(None, (self.files.described(), self.objects.described())))

    def nothing(self) -> str:
        """Say that nothing matches."""
        return f"documents: {self.described()} matches no file and no object"
