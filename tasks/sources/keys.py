"""The keys of rows as document ids: distinct within a reading, whatever the keys are."""

from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from unicodedata import category

from docmill.tasks.sources.digests import Digests
from docmill.tasks.sources.values import Beyond, digits, writable

MAX_BYTES = 1000  # PostgreSQL refuses index entries over 2.7 KB
KEPT_CHARS = 100
DIGEST_BYTES = 16
INTEGERS = range(-(2**63), 2**63)


class Ids:
    """Gives every row an id of its own, and says what is wrong with its key.

    The n-th row of one key (from 2), or of NULL (from 1), has the id `<key>#<n>`: such a row is
    failed. Keeps 64 bits of a digest a row, not the keys.
    """

    def __init__(self) -> None:
        self._taken = Digests()
        self._next: dict[bytes, int] = {}  # of keys that came more than once
        self._kind: type | None = None

    def take(self, key: Any) -> tuple[str, str | None]:
        """Give the next row's id, and the reason why its key cannot serve as one."""
        if key is None:
            return self._numbered("NULL", 1), "its key is NULL: a row needs a key"
        text = text_of(key)
        if isinstance(key, Beyond):
            fault: str | None = "its key is a value that is only a text here, such as infinity"
        else:
            self._kind = self._kind or type(key)
            fault = _fault(key, text, self._kind)
        document_id = _shown(text)
        if self._take(document_id):
            return document_id, fault
        other = f"another row has the id {document_id!r} already: the key must be unique"
        return self._numbered(document_id, 2), fault or other

    def _numbered(self, text: str, first: int) -> str:
        digest = _digest(text)
        number = self._next.get(digest, first)
        while not self._take(f"{text}#{number}"):
            number += 1
        self._next[digest] = number + 1
        return f"{text}#{number}"

    def _take(self, document_id: str) -> bool:
        return self._taken.add(int.from_bytes(_digest(document_id)[:8]))


def text_of(key: Any) -> str:
    """Write a key as text: one text for one value, whatever the session's time zone or the scale."""
    match key:
        case bytes() | bytearray() | memoryview():
            return bytes(key).hex()
        case datetime():
            return (key.astimezone(UTC) if key.tzinfo else key).isoformat()
        case date():
            return key.isoformat()
        case Decimal():
            written = digits(key)
            return written.rstrip("0").rstrip(".") if "." in written and "E" not in written else written
    return str(writable(key))


def _fault(key: Any, text: str, kind: type) -> str | None:
    if type(key) is not kind:
        return f"its key is of the type {type(key).__name__}, and the first row's of {kind.__name__}"
    if isinstance(key, int) and key not in INTEGERS:
        return "its key has more than 64 bits"
    if not _is_printable(text):
        return "its key holds characters that cannot be printed"
    if len(text.encode()) > MAX_BYTES:
        return f"its key has more than {MAX_BYTES:,} bytes"
    return None


def _is_printable(text: str) -> bool:
    return text.isprintable() or all(map(_printable, text))


def _printable(char: str) -> bool:
    return char.isprintable() or category(char) == "Zs"


def _shown(text: str) -> str:
    """Escape and shorten a key that no database would take as it is."""
    if not _is_printable(text):
        text = "".join(char if _printable(char) else ascii(char)[1:-1] for char in text)
    return text if len(text.encode()) <= MAX_BYTES else f"{text[:KEPT_CHARS]}…{_digest(text).hex()}"


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()
