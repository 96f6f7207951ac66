"""What parent and child say to each other: a tag, a length, and so many bytes; nothing that could be run."""

import struct
from typing import IO

from docmill.tasks.sources.parsing.reasons import MAX_PAGES, MAX_TEXT_BYTES

HEAD = struct.Struct(">6sI")
PART = struct.Struct(
    ">I?"
)  # before a document of which one page is asked for: its number, and whether always
SEES = "--sees"  # of a child that reads pictures
TEXT, PAGES, REASON = "text", "pages", "reason"
BETWEEN = "\f"  # cleaned text has none
MISSED_END = "\0"  # before it stands what was not read, behind it the text; neither has one
MAX_MISSED_BYTES = 1_000_000
MAX_BYTES = MAX_TEXT_BYTES + MAX_PAGES + MAX_MISSED_BYTES  # of a document, too: files are smaller


def asking(number: int, content: bytes, *, always: bool = False) -> bytes:
    """Ask for one page of a document, counted from 0."""
    return PART.pack(number, always) + content


def asked(body: bytes) -> tuple[int, bool, bytes]:
    """Give the number of the page, whether it is read in any case, and the document."""
    number, always = PART.unpack_from(body)
    return number, always, body[PART.size :]


def send(stream: IO[bytes], tag: str, body: bytes) -> None:
    """Send one message; a tag is at most six ASCII characters."""
    stream.write(HEAD.pack(tag.encode("ascii"), len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[str, bytes] | None:
    """Receive one message; None where the other side is gone, or sends what is none."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    tag, length = HEAD.unpack(head)
    if length > MAX_BYTES:
        return None
    body = stream.read(length)
    return (tag.rstrip(b"\0").decode("ascii", "replace"), body) if len(body) == length else None
