"""Which runs live: a run holds one lock of the cache, which is free at its end, whatever that is."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from docmill.schemas.errors import ConfigError, StorageError
from docmill.tasks.chat.kept import Cache

# A process's own locks do not keep it out, so it has to remember them.
_alive: set[str] = set()


@contextmanager
def kept_alive(run_id: str, cache: Cache, *, is_part: bool = False) -> Iterator[None]:
    """Mark a run, or a part of one, as one that lives; raises ConfigError where the cache takes no lock.

    That an earlier attempt at a part is not quite dead keeps no other from it: it writes nothing any more.
    """
    try:
        locked = cache.try_lock(_key(run_id))
    except (OSError, StorageError) as error:
        raise ConfigError(f"the cache {cache} cannot be used: {error}") from None
    if not locked and not is_part:
        raise ConfigError(f"another process has taken up the run {run_id}")
    if not locked:
        yield
        return
    _alive.add(run_id)
    try:
        yield
    finally:
        _alive.discard(run_id)
        cache.unlock(_key(run_id))


def is_alive(run_id: str, cache: Cache) -> bool:
    """Say whether a run still goes on, in this process or another on the same cache."""
    if run_id in _alive:
        return True
    if not cache.try_lock(_key(run_id)):
        return True
    cache.unlock(_key(run_id))
    return False


def identity(cache: Cache) -> str:
    """Give the cache's own id; raises ConfigError where it cannot be had."""
    try:
        return cache.identity()
    except (OSError, StorageError) as error:
        raise ConfigError(f"the cache {cache} cannot be used: {error}") from None


def _key(run_id: str) -> str:
    return hashlib.sha256(run_id.encode()).hexdigest()
