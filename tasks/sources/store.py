"""What a store of objects is to docmill, whichever driver it has."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PIECE_BYTES = 16_000_000


class TooLarge(Exception):
    """An object has more bytes than may be read."""


class Nameless(Exception):
    """A folder has an empty name, so that what is in it cannot be listed."""


@dataclass(frozen=True)
class Entry:
    """An object that a store lists."""

    key: str
    size: int


class Store(Protocol):
    """An open store; its methods block, may be called by any thread, and raise what its driver raises."""

    def entries(self, bucket: str, prefix: str, *, deep: bool) -> Iterator[Entry]:
        """List the objects whose keys begin with `prefix`, page by page; `deep`: also beyond the next slash.

        Raises FileNotFoundError, before the first, where there is no such bucket.
        """

    def read(self, bucket: str, key: str, most: int) -> bytes:
        """Read an object; raises TooLarge where it has more than `most` bytes."""

    def pieces(self, bucket: str, key: str, size: int) -> Iterator[bytes]:
        """Read an object of any size, piece by piece; of S3 one that changes meanwhile is an error."""

    def write(self, bucket: str, key: str, file: Path) -> None:
        """Write an object, which stands as a whole or not at all."""

    def close(self) -> None:
        """Let its connections go."""
