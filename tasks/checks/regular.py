"""Opens regular files and nothing else: a pipe would block for ever, a device is moved by reading."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


def opened(path: Path, *, follow: bool = True) -> BufferedReader:
    """Open a regular file for reading; raises OSError, whose strerror says what is there instead.

    `follow` says whether a link is followed.
    """
    _require(path, path.stat(follow_symlinks=follow).st_mode)
    # What takes the file's place between the two calls must not block either.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        _require(path, os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


def _require(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"{_kind(mode)}, not a regular file", str(path))


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a directory"
    if stat.S_ISLNK(mode):
        return "a link"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"
