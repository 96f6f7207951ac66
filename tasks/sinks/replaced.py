"""Files that are written beside their place, and take it once they are whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from docmill.schemas.errors import ConfigError


def require_replaceable(file: Path, option: str) -> None:
    """Raise ConfigError where a folder, a pipe or a device stands, or a link to one."""
    if file.exists() and not file.is_file():
        raise ConfigError(f"{option}: {str(file)!r} is not a file")


@contextmanager
def replaced(file: Path, option: str) -> Iterator[Path]:
    """Give the path of a draft that takes a file's place once the block has ended well.

    A link stays, and leads to what is written. Raises ConfigError as `require_replaceable` does, and OSError.
    """
    require_replaceable(file, option)
    place = Path(os.path.realpath(file))
    with TemporaryDirectory(prefix=".docmill-", dir=place.parent, ignore_cleanup_errors=True) as folder:
        draft = Path(folder, "draft")
        yield draft
        draft.replace(place)
