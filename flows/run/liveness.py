"""Which runs live: a run holds one byte of the cache's lock file, which the kernel frees at its end."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docmill.schemas.errors import ConfigError, StorageError
from docmill.tasks.chat.flight import lock_byte, unlock_byte
from docmill.tasks.chat.places import lock_file

# A process's own locks do not keep it out, so it has to remember them.
_alive: set[str] = set()


@contextmanager
def kept_alive(run_id: str, directory: Path) -> Iterator[None]:
    """Mark a run as one that lives; raises ConfigError where the cache takes no lock."""
    try:
        locked = lock_byte(lock_file(directory), _digest(run_id))
    except (OSError, StorageError) as error:
        raise ConfigError(f"the cache {directory} cannot be used: {error}") from None
    assert locked  # a run's id is its own
    _alive.add(run_id)
    try:
        yield
    finally:
        _alive.discard(run_id)
        unlock_byte(lock_file(directory), _digest(run_id))


def is_alive(run_id: str, directory: Path) -> bool:
    """Say whether a run still goes on, in this process or another on the same cache."""
    if run_id in _alive:
        return True
    file, digest = lock_file(directory), _digest(run_id)
    if not lock_byte(file, digest):
        return True
    unlock_byte(file, digest)
    return False


def _digest(run_id: str) -> str:
    return hashlib.sha256(run_id.encode()).hexdigest()
