"""Walks the files that globs match: in sorted order, each once, one directory in memory at a time.

The standard library's glob gives a file again for each pattern, in the file system's order, and
leaves out silently what it may not list.
"""

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.globs import ANY_DEPTH, Rest, afterwards, fits, parts_of


@dataclass(frozen=True)
class Found:
    """A file that matches; `named` where the last part of a pattern is its very name.

    `unlisted` where it is a directory that may not be listed.
    """

    path: str
    named: bool
    unlisted: bool = False


@dataclass(frozen=True)
class _Directory:
    path: str
    rests: frozenset[Rest]


def walk(patterns: Sequence[str], root: Path) -> Iterator[Found]:
    """Find what the patterns match, below `root` where they are relative.

    Directories are passed over, but one that may not be listed is given as if it were a file.
    Links to directories are followed only where they are named. Raises ConfigError, before the
    first match, where the part of a pattern before its first wildcard is no directory.
    """
    return _walk(_Directory("", frozenset(_parts(pattern, root) for pattern in patterns)))


def lookup(patterns: Sequence[str], path: str, root: Path) -> Found | None:
    """Find a file by its absolute path where `walk` would give it, or would if it were there.

    None for a path that no pattern matches, for a directory, and below a link to a directory that is
    not named. Raises ConfigError as `walk` does.
    """
    directory = _Directory("", frozenset(_parts(pattern, root) for pattern in patterns))
    *folders, name = path.strip("/").split("/")
    for folder in folders:
        onward = _onward(directory, folder, is_link=Path(directory.path, folder).is_symlink())
        directory = _Directory(f"{directory.path}/{folder}", onward)
    if os.path.isdir(path) or () not in afterwards(directory.rests, name):  # noqa: PTH112
        return None
    return Found(path, (name,) in directory.rests)


def beginning(pattern: str, root: Path) -> Path:
    """Give the part of a pattern before its first wildcard: all that it matches lies below, or is it."""
    return Path("/", *_fixed(_absolute(pattern, root)))


def folder(pattern: str, root: Path) -> Path:
    """Give the folder in which a pattern begins: where it is a file's very name the folder of that."""
    parts = _absolute(pattern, root)
    fixed = _fixed(parts)
    return Path("/", *fixed[: len(parts) - 1])


def _fixed(parts: Rest) -> list[str]:
    """Give the parts before the first wildcard."""
    return [str(part) for part in takewhile(lambda part: isinstance(part, str), parts)]


def _parts(pattern: str, root: Path) -> Rest:
    if "://" in pattern:
        raise ConfigError(f"documents: {pattern!r} is a URL, and no directory of this machine")
    parts = _absolute(pattern, root)
    _require(_fixed(parts), len(parts), pattern)
    return parts


def _absolute(pattern: str, root: Path) -> Rest:
    whole = pattern if pattern.startswith("/") else f"{glob.escape(str(root))}/{pattern}"
    absolute = os.path.abspath(whole)  # noqa: PTH100 - resolve() would follow links
    return parts_of(text for text in absolute.split("/") if text)


def _require(fixed: list[str], length: int, pattern: str) -> None:
    """Refuse a pattern whose part before the first wildcard leads nowhere, or to a directory alone."""
    named = len(fixed) == length
    path = Path("/", *fixed)
    directory = path.parent if named else path
    problem = None
    if named and os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where it may not look
        problem = f"is a directory: write {Path(pattern, '*')} for its files"
    elif not os.path.isdir(directory):  # noqa: PTH112
        problem = f"matches nothing: there is no directory {str(directory)!r}"
    elif not named and not os.access(directory, os.R_OK | os.X_OK, effective_ids=True):
        problem = f"cannot be listed: give docmill's user permission to read {str(directory)!r}"
    if problem:
        raise ConfigError(f"documents: {pattern!r} {problem}")


def _walk(top: _Directory) -> Iterator[Found]:
    levels = [_matches(top)]
    while levels:
        match = next(levels[-1], None)
        if match is None:
            levels.pop()
        elif isinstance(match, Found):
            yield match
        else:
            levels.append(_matches(match))


def _matches(directory: _Directory) -> Iterator[Found | _Directory]:
    try:
        entries = _entries(directory)
    except (FileNotFoundError, NotADirectoryError):
        return  # gone since its parent was listed
    except OSError:
        yield Found(directory.path, named=False, unlisted=True)
        return
    for name, is_directory, is_link in entries:
        path = f"{directory.path}/{name}"
        if is_directory and (onward := _onward(directory, name, is_link=is_link)):
            yield _Directory(path, onward)
        elif not is_directory and () in afterwards(directory.rests, name):
            yield Found(path, (name,) in directory.rests)


def _onward(directory: _Directory, name: str, *, is_link: bool) -> frozenset[Rest]:
    """Give what is left to match below a directory's directory; links are followed by name alone."""
    named = frozenset(rest[1:] for rest in directory.rests if rest[0] == name)
    return (named if is_link else afterwards(directory.rests, name)) - {()}


def _entries(directory: _Directory) -> list[tuple[str, bool, bool]]:
    """List name, whether it is (a link to) a directory, and whether it is a link."""
    heads = {rest[0] for rest in directory.rests}
    names = [head for head in heads if isinstance(head, str)]
    if len(names) == len(heads):
        return [entry for name in sorted(names) for entry in _named(directory.path, name)]
    with os.scandir(directory.path or "/") as entries:
        return sorted(
            (entry.name, _is_directory(entry), entry.is_symlink())
            for entry in entries
            if ANY_DEPTH in heads or any(fits(head, entry.name) for head in heads)
        )


def _named(directory: str, name: str) -> Iterator[tuple[str, bool, bool]]:
    path = Path(f"{directory}/{name}")
    with suppress(FileNotFoundError, NotADirectoryError):
        mode = path.lstat().st_mode
        yield name, os.path.isdir(path), stat.S_ISLNK(mode)  # noqa: PTH112


def _is_directory(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
