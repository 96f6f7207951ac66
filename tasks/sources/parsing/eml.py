"""Mails as text: who, when and about what, then the text, and the names of what is attached."""

from collections.abc import Iterable, Iterator
from email.message import MIMEPart
from email.parser import BytesParser
from email.policy import default

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.encodings import decode
from docmill.tasks.sources.parsing.markdown import markdown_of
from docmill.tasks.sources.parsing.missed import Missed
from docmill.tasks.sources.parsing.reasons import Reason
from docmill.tasks.sources.parsing.text import legible

HEADERS = ("From", "To", "Cc", "Date", "Subject")
READ_TYPES = ("text/plain", "text/html")
MAX_DEPTH = 50
MAX_PARTS = 1000


def text(content: bytes, missed: Missed) -> str:
    """Give a mail's text; mails within it follow, attachments are named and not read."""
    message = BytesParser(policy=default).parsebytes(content)
    return "\n\n".join(block.strip() for block in _blocks(message, Budget(), 0))


class Budget:
    """How many parts of a mail may still be read."""

    def __init__(self) -> None:
        self._left = MAX_PARTS

    def spend(self, depth: int) -> None:
        """Count a part; raises Unreadable where it is one too many, or too deep."""
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise Unreadable(Reason.NESTED)


def _blocks(message: MIMEPart, budget: Budget, depth: int) -> Iterator[str]:
    """Give a mail's headers, then its parts."""
    lines = ((name, " ".join(str(value).split())) for name in HEADERS if (value := _header(message, name)))
    yield "\n".join(f"{name}: {value}" for name, value in lines)
    yield from _part(message, budget, depth)


def _header(message: MIMEPart, name: str) -> str:
    try:
        return str(message.get(name) or "")
    except (ValueError, IndexError, TypeError, AttributeError):  # of headers that the parser stumbles over
        return next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")


def _part(part: MIMEPart, budget: Budget, depth: int) -> Iterator[str]:
    budget.spend(depth)
    kind = part.get_content_type()
    if kind == "message/rfc822" and part.is_multipart():
        for inner in part.iter_parts():
            yield from _blocks(inner, budget, depth + 1)
    elif part.is_multipart():
        shown = _best if kind == "multipart/alternative" else _all
        yield from shown(part.iter_parts(), budget, depth + 1)
    elif part.get_content_disposition() == "attachment" or kind not in READ_TYPES:
        yield from _named(part, kind)
    else:
        yield markdown_of(_decoded(part)) if kind == "text/html" else _decoded(part)


def _all(parts: Iterable[MIMEPart], budget: Budget, depth: int) -> Iterator[str]:
    for part in parts:
        yield from _part(part, budget, depth)


def _best(parts: Iterable[MIMEPart], budget: Budget, depth: int) -> Iterator[str]:
    """Give the plain text of several versions, else the first that has any text."""
    for part in sorted(parts, key=lambda part: part.get_content_type() != "text/plain"):
        if legible("".join(blocks := list(_part(part, budget, depth)))):
            yield from blocks
            return


def _named(part: MIMEPart, kind: str) -> Iterator[str]:
    # What has a Content-ID is a picture of the page, unless it is attached all the same.
    if "content-id" not in part or part.get_content_disposition() == "attachment":
        yield f"Attachment: {' '.join((part.get_filename() or kind).split())}"


def _decoded(part: MIMEPart) -> str:
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    try:
        return decode(content, part.get_content_charset())
    except Unreadable:  # too little text for a guess, or bytes that are none
        return content.decode("latin-1")
