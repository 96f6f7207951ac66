"""What a PDF holds that no page's text shows: files within it, damaged streams, an end that is missing."""

import re
import zlib
from collections.abc import Sequence
from typing import Any

from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.pdf.words import string

# Data of an electronic invoice: what it says stands on the pages, too.
DATA = re.compile(r"(factur-x|zugferd-invoice|xrechnung|order-x)\.xml", re.IGNORECASE)
STREAM = re.compile(rb">>\s{0,4}stream\r?\n")
LONGEST_DICTIONARY = 2000
FLATE = re.compile(rb"/Filter\s*(?:\[\s*)?/(?:FlateDecode|Fl)\b")
# Pictures, fonts, colours, metadata, the table of objects: no page loses text with them, or PDFium mends it.
NO_TEXT = re.compile(
    rb"/Subtype\s*/(?!Form)|/Length[123]\b|/Type\s*/(?:Metadata|XRef)|/FunctionType|/N\s+[134]\b|/Width"
)
CHUNK = 1 << 16
MOST_UNPACKED = 100_000_000


def look(document: Any, content: bytes, blank: Sequence[int], missed: Missed) -> None:
    """Tell what of a file no page shows; `blank` are the pages on which nothing at all is drawn."""
    for index in range(document.count_attachments()):
        attachment(document.get_attachment(index), missed)
    encrypted = b"/Encrypt" in content  # its streams cannot be looked at without PDFium
    if not encrypted and damaged(content):
        for part in [f"page {number + 1}" for number in blank] or ["a part of a page"]:
            missed.add(part, Why.STREAM)
    if content.rfind(b"%%EOF") < content.rfind(b"endobj"):
        missed.add("end of the file", Why.CUT)


def attachment(file: Any, missed: Missed) -> None:  # pypdfium2 is untyped
    """Tell of a file within the document, which is not read."""
    from pypdfium2 import raw

    name = string(raw.FPDFAttachment_GetName, file)
    if not DATA.fullmatch(name):
        missed.add(f"attachment {name}", Why.ATTACHMENT)


def damaged(content: bytes) -> bool:
    """Say whether a compressed stream that may be a page's cannot be unpacked to its end."""
    room = MOST_UNPACKED
    for found in STREAM.finditer(content):
        keys = content[max(0, found.start() - LONGEST_DICTIONARY) : found.start()].rpartition(b"obj")[2]
        if room > 0 and FLATE.search(keys) and not NO_TEXT.search(keys):
            end = content.find(b"endstream", found.end())
            unpacked = _unpacked(content, found.end(), end if end >= 0 else len(content), room)
            if unpacked is None:
                return True
            room -= unpacked
    return False


def _unpacked(content: bytes, start: int, end: int, room: int) -> int | None:
    """Count the bytes that a stream unpacks to, as far as there is room; None where it is damaged."""
    try:
        count, whole = _count(zlib.decompressobj(), content, start, end, room)
        if not whole:  # many programs leave out the checksum at its end
            count, whole = _count(zlib.decompressobj(-zlib.MAX_WBITS), content, start + 2, end, room)
    except zlib.error:
        return None
    return count if whole else None


def _count(unpacker: Any, content: bytes, start: int, end: int, room: int) -> tuple[int, bool]:
    rest = b""
    count = 0
    while (start < end or rest) and not unpacker.eof and count < room:
        if not rest:
            rest = content[start : min(end, start + CHUNK)]
            start += CHUNK
        count += len(unpacker.decompress(rest, CHUNK))
        rest = unpacker.unconsumed_tail
    return count, unpacker.eof or count >= room
