"""Globs, matched name by name: what is left of one once a part of a path is known."""

import glob
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

ESCAPED = re.compile(r"\[([*?[])\]")


@dataclass(frozen=True)
class Wild:
    """A part of a pattern that is no name; hidden names match it only if it begins with a dot."""

    pattern: str

    def fits(self, name: str) -> bool:
        """Tell whether it matches a name."""
        shown = not name.startswith(".") or self.pattern.startswith(".")
        return shown and fnmatchcase(name, self.pattern)


ANY_DEPTH = Wild("**")
Rest = tuple[str | Wild, ...]  # the parts of a pattern that are still to be matched; () is a match


def parts_of(path: Iterable[str]) -> Rest:
    """Take the parts of a pattern; one that ends in `**` means the files at any depth."""
    parts = tuple(_part(text) for text in path)
    return (*parts, Wild("*")) if parts[-1] == ANY_DEPTH else parts


def fits(part: str | Wild, name: str) -> bool:
    """Tell whether a part of a pattern matches a name."""
    return part.fits(name) if isinstance(part, Wild) else part == name


def afterwards(rests: Iterable[Rest], name: str) -> frozenset[Rest]:
    """Give what is left to match after a name; with () in it the name is a match."""
    return frozenset(rest for whole in rests for rest in _after(whole, name))


def matches(whole: Rest, path: Iterable[str]) -> bool:
    """Tell whether a pattern matches a path, given in its parts."""
    rests = frozenset([whole])
    for name in path:
        rests = afterwards(rests, name)
    return () in rests


def _part(text: str) -> str | Wild:
    return Wild(text) if glob.has_magic(ESCAPED.sub("", text)) else ESCAPED.sub(r"\1", text)


def _after(rest: Rest, name: str) -> Iterator[Rest]:
    if not rest:
        return
    head, tail = rest[0], rest[1:]
    if head == ANY_DEPTH:
        yield from _after(tail, name)
        if not name.startswith("."):
            yield rest
    elif fits(head, name):
        yield tail
