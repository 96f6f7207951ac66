"""Which results databases the records of a cache were made for: each run writes its own down, once."""

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from docmill.schemas.errors import ConfigError, StorageError
from docmill.tasks.sinks.database import shown, sqlite_file

REGISTER = "results"


@dataclass(frozen=True)
class Registered:
    """A results database, and since when runs have written into it; its URL has no password.

    `id` is the database's own; None where an earlier version has listed it.
    """

    url: str
    since: datetime
    id: str | None = None

    @property
    def is_whole(self) -> bool:
        """Say whether it can be opened as it is written: a password is left out."""
        return "***" not in self.url


def identity(url: str) -> str:
    """Write a database's URL so that it means the same everywhere: no password, no relative path."""
    file = sqlite_file(url)
    if file is None:
        return shown(url)
    return make_url(shown(url)).set(database=str(file.absolute())).render_as_string()


def register(directory: Path, url: str, own_id: str | None = None) -> None:
    """Write a database down in a cache's directory; raises StorageError where that cannot be."""
    own = identity(url)
    with suppress(ConfigError):  # a damaged list is `prune`'s trouble
        if any((each.url, each.id) == (own, own_id) for each in registered(directory)):
            return
    told = {"url": own, "since": datetime.now(UTC).isoformat()} | ({"id": own_id} if own_id else {})
    line = json.dumps(told) + "\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    try:
        descriptor = os.open(directory / REGISTER, flags, 0o600)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(f"the cache {directory} cannot be written: {error.strerror}") from None


def registered(directory: Path) -> list[Registered]:
    """List the databases that runs have written into with this cache.

    Raises ConfigError where the list is damaged.
    """
    file = directory / REGISTER
    found: dict[tuple[str, str | None], Registered] = {}
    try:
        for line in file.read_text().splitlines():
            told = json.loads(line)
            since = datetime.fromisoformat(told["since"])
            each = Registered(told["url"], since, told.get("id"))
            found.setdefault((each.url, each.id), each)
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{file} is damaged: remove it, and run every pipeline once") from None
    return list(found.values())
