"""The documents within a file: what is attached or packed at every level, and pages of it, read by children.

What a file holds is bounded in all: so many documents, so many bytes, so many levels.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from docmill.schemas.bundle import BundlePart
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing import pool, wire
from docmill.tasks.sources.parsing.kinds import kind_of
from docmill.tasks.sources.parsing.office import MAX_UNPACKED_BYTES
from docmill.tasks.sources.parsing.reasons import MAX_MEMBERS, Reason

MAX_LEVELS = 3
MAX_NAME_CHARS = 150
ESCAPED = "%#/\\"
TOO_MUCH = (Reason.MEMBERS, Reason.PACKED, Reason.ENDED)  # of the file that all of it is in


class _Listed(BaseModel):
    """A file within a file, as a child tells it, which is trusted no more than the document."""

    name: str
    size: int = Field(ge=0)
    sha256: str | None
    holds_more: bool


@dataclass
class Room:
    """What may yet be found within a file."""

    files: int = MAX_MEMBERS
    bytes: int = MAX_UNPACKED_BYTES

    def take(self, files: int, size: int) -> None:
        """Take what one level holds; raises Unreadable where that is too much."""
        self.files, self.bytes = self.files - files, self.bytes - size
        if self.files < 0:
            raise Unreadable(Reason.MEMBERS)
        if self.bytes < 0:
            raise Unreadable(Reason.PACKED)


def within(content: bytes, name: str, sha256: str | None) -> list[BundlePart]:
    """List the documents that a file holds; the file itself where nothing is in it. Raises Unreadable."""
    found = list(_parts(content, PurePosixPath(name).suffix.lower(), BundlePart(sha256=sha256), Room()))
    if not found:
        raise Unreadable(Reason.NOTHING)
    return found


def member(content: bytes, members: tuple[int, ...]) -> bytes:
    """Give the bytes of a file within a file; raises Unreadable."""
    for number in members:
        _, content = pool.parse("member", wire.asking(number, content))
    return content


def unpacked_name(name: str) -> str:
    """Give the file name of a document by the `name` of its part: its suffix hints at its kind."""
    return name.rpartition("#attachment=")[2].partition("#")[0]


def _parts(content: bytes, suffix: str, part: BundlePart, room: Room) -> Iterator[BundlePart]:
    """Give a file where it is a document, and what is within it."""
    kind = kind_of(content, suffix)
    listed = _listed(content) if kind in ("eml", "office") else None
    if listed is None:
        yield part
        return
    room.take(len(listed), sum(each.size for each in listed))
    if kind == "eml":
        yield part.model_copy(update={"is_apart": True})
    names = Counter[str]()
    for number, each in enumerate(listed):
        name = _named(each.name)
        names[name] += 1
        count = f"#{names[name]}" if names[name] > 1 else ""
        known = {"members": (*part.members, number), "sha256": each.sha256}
        inner = BundlePart(name=f"{part.name}#attachment={name}{count}", **known)
        if each.holds_more and len(inner.members) < MAX_LEVELS:
            yield from _opened(content, number, PurePosixPath(name).suffix.lower(), inner, room)
        else:
            yield inner


def _opened(content: bytes, number: int, suffix: str, part: BundlePart, room: Room) -> Iterator[BundlePart]:
    """Give what an attached file holds; one that cannot be opened is a document, and its reading says why."""
    try:
        found = list(_parts(member(content, (number,)), suffix, part, room))
    except Unreadable as error:
        if error.args[0] in TOO_MUCH:
            raise
        found = []
    yield from found or [part]


def _listed(content: bytes) -> list[_Listed] | None:
    """Have a child list the files within a file; None where it is no container."""
    _, body = pool.parse("inside", content)
    try:
        told: Any = json.loads(body)
        return None if told is None else [_Listed.model_validate(each) for each in told]
    except (ValueError, RecursionError):
        raise Unreadable(Reason.DIED) from None


def _named(said: str) -> str:
    """Write a name that a document gives as a part of an id: it is no path, and moves no cursor."""
    name = " ".join(said.split())[-MAX_NAME_CHARS:] or "unnamed"
    return "".join(
        quote(each, safe="") if each in ESCAPED else each if each.isprintable() else "_" for each in name
    )
