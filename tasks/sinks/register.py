"""Which results databases the records of a cache were made for: each run writes its own down, once."""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import make_url

from docmill.schemas.errors import ConfigError, StorageError
from docmill.tasks.sinks.database import shown, sqlite_file


class Noted(Protocol):
    """A cache, as what it notes of results databases."""

    def results(self) -> list[str]:
        """Read what was noted, a line each."""

    def note_results(self, line: str) -> None:
        """Note a line more; OSError where that cannot be."""


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


def register(cache: Noted, url: str, own_id: str | None = None) -> None:
    """Write a database down in a cache; raises StorageError where that cannot be."""
    own = identity(url)
    with suppress(ConfigError):  # a damaged list is `prune`'s trouble
        if any((each.url, each.id) == (own, own_id) for each in registered(cache)):
            return
    told = {"url": own, "since": datetime.now(UTC).isoformat()} | ({"id": own_id} if own_id else {})
    try:
        cache.note_results(json.dumps(told))
    except OSError as error:
        raise StorageError(f"the cache {cache} cannot be written: {error.strerror}") from None


def registered(cache: Noted) -> list[Registered]:
    """List the databases that runs have written into with this cache.

    Raises ConfigError where the list is damaged, or cannot be read.
    """
    found: dict[tuple[str, str | None], Registered] = {}
    try:
        for line in cache.results():
            told = json.loads(line)
            since = datetime.fromisoformat(told["since"])
            each = Registered(told["url"], since, told.get("id"))
            found.setdefault((each.url, each.id), each)
    except OSError as error:
        raise ConfigError(
            f"the list of results databases in the cache {cache} cannot be read: {error.strerror}"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(
            f"the list of results databases in the cache {cache} (`results`, or the table "
            "docmill__results) is damaged: remove it, and run every pipeline once"
        ) from None
    return list(found.values())
