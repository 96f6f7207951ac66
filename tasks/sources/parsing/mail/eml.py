"""Mails as text: who, when and about what, then the text, and what is attached."""

from collections.abc import Callable, Iterable, Iterator
from email.message import MIMEPart
from email.parser import BytesParser
from email.policy import default

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.encodings import decode
from docmill.tasks.sources.parsing.html.markdown import markdown_of
from docmill.tasks.sources.parsing.mail import calendar, mailtext
from docmill.tasks.sources.parsing.mail.headers import header
from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.picture import is_page
from docmill.tasks.sources.parsing.reasons import Reason
from docmill.tasks.sources.parsing.text import legible

HEADERS = ("From", "To", "Cc", "Date", "Subject")
READ_TYPES = ("text/plain", "text/html")
SIGNATURES = ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature")
SEALED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
REPORTS = ("message/delivery-status", "message/disposition-notification", "text/rfc822-headers")
OUTLOOK = ("application/ms-tnef", "application/vnd.ms-tnef")
MAX_DEPTH = 50
MAX_PARTS = 1000

Reader = Callable[[bytes, str, Missed], str]  # of what is attached, by its name; raises Unreadable
REASONS = {
    Reason.ENCRYPTED: Why.LOCKED,
    Reason.DAMAGED: Why.DAMAGED,
    Reason.SCANNED: Why.NO_TEXT,
    Reason.EMPTY: Why.NO_TEXT,
    Reason.NESTED: Why.LARGE,
    Reason.PACKED: Why.LARGE,
    Reason.PAGES: Why.LARGE,
    Reason.LONG: Why.LARGE,
    Reason.IMAGE: Why.PICTURE,
}


def text(content: bytes, missed: Missed, attached: Reader | None = None) -> str:
    """Give a mail's text; mails within it follow, then what is attached, as far as `attached` reads it."""
    message = _parsed(mailtext.mail_of(content))
    return "\n\n".join(block.strip() for block in _Mail(missed, attached).blocks(message, 0))


def letter(content: bytes, missed: Missed) -> str:
    """Give a mail's text alone: what is attached to it is named."""
    message = _parsed(mailtext.mail_of(content))
    return "\n\n".join(block.strip() for block in _Mail(missed, None, []).blocks(message, 0))


def files(content: bytes) -> list[tuple[str, bytes]]:
    """Give what is attached to a mail and to mails within it, in its order, with the names that it gives."""
    message = _parsed(mailtext.mail_of(content))
    apart: list[tuple[str, bytes]] = []
    for _ in _Mail(Missed(), None, apart).blocks(message, 0):
        pass
    return apart


def _parsed(content: bytes) -> MIMEPart:
    return BytesParser(policy=default).parsebytes(content)


class _Mail:
    def __init__(
        self, missed: Missed, attached: Reader | None, apart: list[tuple[str, bytes]] | None = None
    ) -> None:
        """Take what reads attachments; where they are kept `apart` nothing does."""
        self._missed = missed
        self._attached = attached
        self._apart = apart
        self._left = MAX_PARTS

    def blocks(self, message: MIMEPart, depth: int) -> Iterator[str]:
        """Give a mail's headers, then its parts."""
        lines = ((name, " ".join(value.split())) for name in HEADERS if (value := header(message, name)))
        yield "\n".join(f"{name}: {value}" for name, value in lines)
        yield from self._part(message, depth)

    def _part(self, part: MIMEPart, depth: int) -> Iterator[str]:
        """Give a part's text; raises Unreadable where it is one too many, or too deep."""
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise Unreadable(Reason.NESTED)
        kind = part.get_content_type()
        if kind == "message/rfc822" and part.is_multipart():
            for inner in part.iter_parts():
                yield from self.blocks(inner, depth + 1)
        elif kind in REPORTS and part.is_multipart():
            yield "\n\n".join(str(inner).strip() for inner in part.iter_parts())
        elif part.is_multipart():
            yield from self._parts(kind, list(part.iter_parts()), depth + 1)
        elif part.get_content_maintype() == "multipart":
            yield from self._unbound(part, depth)
        elif kind == "text/calendar":
            yield calendar.text(_decoded(part))
        elif kind in REPORTS:
            yield _decoded(part)
        elif part.get_content_disposition() == "attachment" or kind not in READ_TYPES:
            yield from self._file(part, kind)
        else:
            yield self._words(part)

    def _parts(self, kind: str, parts: list[MIMEPart], depth: int) -> Iterator[str]:
        match kind:
            case "multipart/alternative":
                yield from self._best(parts, depth)
            case "multipart/encrypted":
                self._missed.add("text of the mail", Why.LOCKED)
            case _:
                yield from self._all(parts, depth)

    def _all(self, parts: Iterable[MIMEPart], depth: int) -> Iterator[str]:
        for part in parts:
            yield from self._part(part, depth)

    def _best(self, parts: list[MIMEPart], depth: int) -> Iterator[str]:
        """Give the plain text of several versions, or what says more; an invitation says other things."""
        invitations = [part for part in parts if part.get_content_type() == "text/calendar"]
        versions = [part for part in parts if part not in invitations]
        blocks: list[str] = []
        for part in sorted(versions, key=lambda part: part.get_content_type() != "text/plain"):
            version = list(self._part(part, depth))
            if mailtext.is_stub(before := "".join(blocks), said := "".join(version)):
                blocks = [*blocks, *version] if mailtext.lacks_numbers(said, before) else version
            if legible("".join(blocks)) and part.get_content_type() != "text/plain":
                break
        yield from blocks
        yield from self._all(invitations, depth)

    def _unbound(self, part: MIMEPart, depth: int) -> Iterator[str]:
        """Read a part of parts whose boundary is not named, or wrongly."""
        body = _bytes(part)
        if boundary := mailtext.boundary_of(body):
            kind = part.get_content_type().encode("ascii", "replace")
            head = b'Content-Type: %s; boundary="%s"\n\n' % (kind, boundary)
            found = _parsed(head + body)
            if found.is_multipart():
                yield from self._part(found, depth + 1)
                return
        yield decode(body) if legible(body.decode("latin-1")) else ""

    def _words(self, part: MIMEPart) -> str:
        if part.get_content_type() == "text/html":
            return markdown_of(_decoded(part), self._missed)
        words = _decoded(part)
        if mailtext.LOCKED in words:
            self._missed.add("text of the mail", Why.LOCKED)
        for name in mailtext.UUENCODED.findall(words):
            self._missed.add(f"attachment {name}", Why.EMBEDDED)
        flowed = part.get_param("format") if isinstance(part.get_param("format"), str) else ""
        if str(flowed).lower() == "flowed":
            return mailtext.unflowed(words, delete=str(part.get_param("delsp") or "").lower() == "yes")
        return words

    def _file(self, part: MIMEPart, kind: str) -> Iterator[str]:
        """Name what is attached, and give its text; what has none that can be read is told."""
        is_attached = part.get_content_disposition() == "attachment"
        name = " ".join((_file_name(part) or kind).split())
        if kind in SEALED:
            locked = str(part.get_param("smime-type") or "").lower() != "signed-data"
            self._missed.add("text of the mail", Why.LOCKED if locked else Why.SEALED)
            return
        if kind in SIGNATURES:
            return
        # What has a Content-ID is a picture of the page, unless it is attached all the same.
        shown = "content-id" not in part or is_attached
        if shown:
            yield f"Attachment: {name}"
        if kind.startswith(("image/", "audio/", "video/", "font/")):
            is_picture = kind.startswith("image/") and kind != "image/svg+xml"
            if is_page(_bytes(part), otherwise=shown and is_picture):
                yield self._picture(_bytes(part), name)
            elif kind.startswith(("audio/", "video/")):
                self._missed.add(f"attachment {name}", Why.KIND)
        elif kind in OUTLOOK or name.lower() == "winmail.dat":
            self._missed.add(f"attachment {name}", Why.OUTLOOK)
        elif kind == "message/external-body":
            self._missed.add(f"attachment {name}", Why.ELSEWHERE)
        elif content := _bytes(part):
            yield self._read(content, name)

    def _picture(self, content: bytes, name: str) -> str:
        if self._apart is None:
            return self._missed.picture(f"attachment {name}", content)
        self._apart.append((name, content))
        return ""

    def _read(self, content: bytes, name: str) -> str:
        if self._apart is not None:
            self._apart.append((name, content))
            return ""
        inner = Missed(self._missed.reader)
        try:
            if self._attached is None:
                raise Unreadable(Reason.ARCHIVE)
            read = self._attached(content, name, inner)
            if not legible(read) and not any(inner.parts()):
                raise Unreadable(Reason.EMPTY)
        except Unreadable as error:
            self._missed.add(f"attachment {name}", REASONS.get(error.args[0], Why.KIND))
            return ""
        except (MemoryError, RecursionError):
            raise
        except Exception:  # noqa: BLE001  the parsers raise anything at what is no document
            self._missed.add(f"attachment {name}", Why.DAMAGED)
            return ""
        self._missed.within(f"attachment {name}", inner)  # pages that are pictures: they may be read yet
        return read if legible(read) else ""


def _file_name(part: MIMEPart) -> str:
    try:
        return str(part.get_filename() or "")
    except (ValueError, IndexError, TypeError, AttributeError):  # of headers that the parser stumbles over
        return ""


def _bytes(part: MIMEPart) -> bytes:
    if part.is_multipart():
        return b""
    if part.get_content_maintype() == "multipart":
        payload = part.get_payload()
        return payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _decoded(part: MIMEPart) -> str:
    content = _bytes(part)
    try:
        return decode(content, part.get_content_charset())
    except Unreadable:  # too little text for a guess, or bytes that are none
        return content.decode("latin-1")
