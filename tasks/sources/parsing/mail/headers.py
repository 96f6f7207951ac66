"""Headers of mails, as a person reads them."""

from email.header import decode_header
from email.message import MIMEPart

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.encodings import decode

ENCODED = "=?"
MAX_ENCODED = 20_000  # characters of a header with encoded words
BROKEN = (ValueError, IndexError, TypeError, AttributeError, LookupError)


def header(message: MIMEPart, name: str) -> str:
    """Give a header with its encoded words read and its lines unfolded; empty where there is none."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    if ENCODED in raw and len(raw) <= MAX_ENCODED:
        try:
            return "".join(_word(content, charset) for content, charset in decode_header(_unfolded(raw)))
        except BROKEN:
            return raw
    try:
        return _sound(str(message.get(name) or ""), raw)
    except BROKEN:  # of headers that the parser stumbles over
        return _sound(raw, raw)


def _unfolded(raw: str) -> str:
    return " ".join(raw.split())


def _word(content: bytes | str, charset: str | None) -> str:
    if isinstance(content, str):
        return _sound(content, content)
    if charset is None:
        return content.decode("latin-1")
    try:
        return decode(content, charset) if content else ""
    except Unreadable:
        return content.decode("latin-1")


def _sound(value: str, raw: str) -> str:
    """Read bytes that stand in a header as they are, which the parser cannot."""
    if "\ufffd" not in value and value.isascii() and raw.isascii():
        return value
    content = raw.encode("utf-8", "surrogateescape")
    try:
        return value if "\ufffd" not in value and not _has_surrogates(value) else decode(content)
    except Unreadable:
        return content.decode("latin-1")


def _has_surrogates(value: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in value)
