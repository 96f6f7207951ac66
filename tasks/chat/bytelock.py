"""Locks of one byte of one file, which keep processes apart; the kernel frees them at kill -9."""

import fcntl
import os
from pathlib import Path

from docmill.schemas.errors import StorageError

OFFSET_HEX_DIGITS = 15  # 60 bits of the key: the largest that fits an offset

# Opened once a process and never closed: closing any descriptor of a file drops all its locks.
_descriptors: dict[Path, int] = {}


def lock_byte(file: Path, digest: str) -> bool:
    """Try to lock the byte of a digest (hexadecimal) for this process; says whether it could."""
    descriptor = _descriptor(file)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(digest[:OFFSET_HEX_DIGITS], 16))
    except (BlockingIOError, PermissionError):  # POSIX lets a busy lock answer with either
        return False
    except OSError as error:
        raise StorageError(
            f"{file} cannot be locked ({error.strerror}): put the cache on a file system with locks"
        ) from None
    return True


def unlock_byte(file: Path, digest: str) -> None:
    """Unlock the byte of a digest."""
    fcntl.lockf(_descriptor(file), fcntl.LOCK_UN, 1, int(digest[:OFFSET_HEX_DIGITS], 16))


def _descriptor(file: Path) -> int:
    if file not in _descriptors:
        try:
            _descriptors[file] = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"{file} cannot be opened: {error.strerror}") from None
    return _descriptors[file]
