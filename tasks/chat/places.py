"""Where the cache lies: known without Prefect, whose import takes seconds."""

import os
import re
from pathlib import Path

from platformdirs import user_cache_path

from docmill.schemas.errors import ConfigError

RECORDS = "chat"
LOCK_FILE = "locks"
DATABASES = ("postgresql:", "postgres:", "postgresql+psycopg:")
URL = re.compile(r"[a-z0-9+.-]+://", re.IGNORECASE)


def default_directory() -> Path:
    """Give DOCMILL_CACHE as an absolute path, else docmill's directory under the user's cache directory.

    It is the latter, too, where DOCMILL_CACHE names a database. Raises ConfigError for another URL.
    """
    named = os.environ.get("DOCMILL_CACHE")
    if named and not default_database():
        return Path(named).expanduser().absolute()
    return user_cache_path("docmill")


def default_database() -> str | None:
    """Give DOCMILL_CACHE where it is a database's URL; raises ConfigError for another URL."""
    named = os.environ.get("DOCMILL_CACHE", "")
    if named.startswith(DATABASES):
        return named
    if URL.match(named):  # as a directory's name it would show its password
        raise ConfigError(
            "DOCMILL_CACHE: takes a directory, or a URL that begins with postgresql:// and no other"
        )
    return None


def lock_file(directory: Path) -> Path:
    """Give the one file whose bytes are locked, in a directory that is made where it is missing."""
    make(directory)
    return directory / LOCK_FILE


def make(directory: Path) -> None:
    """Make a directory of the cache, and those above it, for the user alone."""
    missing = [folder for folder in (directory, *directory.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
