"""What parent and child say to each other: a tag, a length, and so many bytes; nothing that could be run."""

import json
import struct
from typing import IO

from docmill.tasks.sources.parsing.reasons import MAX_PAGES, MAX_TEXT_BYTES

HEAD = struct.Struct(">6sI")
PART = struct.Struct(
    ">I?"
)  # before a document of which one page is asked for: its number, and whether always
SEES, ROWS = "--sees", "--rows"  # of a child that reads pictures, and of one that gives a sheet's rows
TEXT, PAGES, REASON = "text", "pages", "reason"
# What a child says of the rows of a sheet; of those that cannot be read the number, and a cell.
SHEETS, NAMES, LINES, UNSAVED = "sheets", "names", "lines", "blanks"
BETWEEN = "\f"  # cleaned text has none
MISSED_END = "\0"  # before it stands what was not read, behind it the text; neither has one
MAX_MISSED_BYTES = 1_000_000
MAX_BYTES = MAX_TEXT_BYTES + MAX_PAGES + MAX_MISSED_BYTES  # of a document, too: files are smaller
MAX_WORKBOOK_BYTES = 100_000_000


def asking(number: int, content: bytes, *, always: bool = False) -> bytes:
    """Ask for one page of a document, counted from 0."""
    return PART.pack(number, always) + content


def asked(body: bytes) -> tuple[int, bool, bytes]:
    """Give the number of the page, whether it is read in any case, and the document."""
    number, always = PART.unpack_from(body)
    return number, always, body[PART.size :]


def asking_rows(sheet: str | None, content: bytes) -> bytes:
    """Ask for the rows of a workbook's sheet, the first where none is named."""
    return json.dumps(sheet).encode() + b"\n" + content


def asked_rows(body: bytes) -> tuple[str | None, bytes]:
    """Give the name of the sheet, and the workbook."""
    sheet, _, content = body.partition(b"\n")
    return json.loads(sheet), content


def send(stream: IO[bytes], tag: str, body: bytes) -> None:
    """Send one message; a tag is at most six ASCII characters."""
    stream.write(HEAD.pack(tag.encode("ascii"), len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes], most: int = MAX_BYTES) -> tuple[str, bytes] | None:
    """Receive one message; None where the other side is gone, or sends what is none, or is too long."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    tag, length = HEAD.unpack(head)
    if length > most:
        return None
    body = stream.read(length)
    return (tag.rstrip(b"\0").decode("ascii", "replace"), body) if len(body) == length else None
