"""Documents to text: plain text as it is, HTML as Markdown, and the text of PDF, Office files and mails.

The same bytes under the same suffix give the same text, wherever and whenever they are read.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath

from docmill.schemas.document import Ocr
from docmill.schemas.errors import Unreadable
from docmill.tasks.checks.quality import is_mojibake
from docmill.tasks.sources import scans
from docmill.tasks.sources.encodings import decode
from docmill.tasks.sources.parsing.answer import ask
from docmill.tasks.sources.parsing.html.markdown import markdown_of
from docmill.tasks.sources.parsing.kinds import HEAD_CHARS, UNREAD, Binary, Kind, is_html, kind_of
from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.reasons import Reason
from docmill.tasks.sources.parsing.text import Span, Text, cleaned, legible, paged

DECLARED = re.compile(
    rb"<meta\b[^>]{0,300}?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)|^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([\w.:-]+)",
    re.IGNORECASE,
)
PAGE = re.compile(r"page (\d{1,5})")
MAX_HTML_CHARS = 200_000  # a longer page may take two hundred times its size of memory: a child's affair


def parsed(
    content: bytes, name: str, ocr: Ocr = "missing", *, shown: bool = False, apart: bool = False
) -> Text:
    """Give a document's text: lines end in LF, there are no control characters but tabs.

    `name` is its file name, of which the suffix hints at the kind; `ocr` says whether pictures are read,
    `shown` that they are given as data URLs, too; `apart` leaves out what is attached to a mail.
    Raises Unreadable where there is no text, or where the kind is not read.
    """
    suffix = PurePath(name).suffix.lower()
    kind = kind_of(content, suffix)
    if isinstance(kind, Reason):
        raise Unreadable(kind)
    if apart and kind == "eml":
        kind = "letter"
    text = _text(content, suffix) if kind == "text" else _by_child(kind, content, ocr)
    if not legible(text.text):
        raise Unreadable(_why_empty(kind, text, ocr))
    if shown and kind in ("pdf", "image") and scans.reads(ocr):
        return text._replace(shown=scans.shown(kind, content, _numbers(text)))
    return text


def _text(content: bytes, suffix: str) -> Text:
    """Read plain text or HTML."""
    missed = Missed()
    try:
        text = cleaned(decode(content, _declared(content, suffix), missed))
    except Unreadable:
        if suffix in UNREAD:
            raise Unreadable(UNREAD[suffix]) from None
        raise
    if not is_html(text, suffix):
        read = Text(text.strip())
    elif len(text) > MAX_HTML_CHARS:
        read = _by_child("html", text.encode())
    else:
        read = Text(cleaned(markdown_of(text, missed)).strip())
    if is_mojibake(read.text):
        raise Unreadable(Reason.MOJIBAKE)
    return read._replace(unread=(*missed, *read.unread))


def _declared(content: bytes, suffix: str) -> str | None:
    """Find the encoding that an HTML document names in its head."""
    head = content[:HEAD_CHARS]
    found = DECLARED.search(head) if is_html(head.decode("latin-1"), suffix) else None
    return (found[1] or found[2]).decode("ascii") if found else None


def _by_child(kind: Binary, content: bytes, ocr: Ocr = "missing") -> Text:
    """Have a child read it, and the pictures in it, as far as somebody reads them."""
    if kind == "image":
        answer = scans.pictures(content, ocr)
    else:
        answer = scans.completed(kind, content, ask(kind, content), ocr)
    text = paged(answer.pages) if answer.paged else Text(cleaned(answer.pages[0]).strip())
    return text._replace(unread=tuple(answer.missed), seen=tuple(_seen(text, answer.missed)))


def _seen(text: Text, missed: Missed) -> Iterator[Span]:
    """Find what was recognized in the text; where it was written otherwise, it may be anywhere."""
    for part, confidence, words in missed.seen:
        page = PAGE.fullmatch(part)
        if page and 0 < int(page[1]) <= len(text.page_starts):
            start = text.page_starts[int(page[1]) - 1]
            after = (each for each in text.page_starts if each > start)
            end = next(after, len(text.text))
        else:
            found = text.text.find(words)
            start, end = (found, found + len(words)) if found >= 0 else (0, len(text.text))
        yield Span(part, confidence, start, end)


def _numbers(text: Text) -> list[int]:
    """Name the pages, counted from 0, that were read by their pictures, or could not be read by them."""
    unsure = {part for part, why in text.unread if why in (Why.UNSURE, Why.FAINT)}
    named = unsure | {span.part for span in text.seen}
    return sorted(int(found[1]) - 1 for part in named if (found := PAGE.fullmatch(part)))


def _why_empty(kind: Kind, text: Text, ocr: Ocr) -> Reason:
    """Say why there is no text."""
    whys = {why for _, why in text.unread}
    if whys & {Why.UNSURE, Why.FAINT}:
        return Reason.UNSURE
    if kind == "image":
        return Reason.UNSEEN if Why.UNSEEN in whys else Reason.BLANK
    if kind != "pdf":
        return Reason.EMPTY
    if Why.GARBLED in whys:
        return Reason.GARBLED
    return Reason.SCANNED if whys or not scans.reads(ocr) else Reason.BLANK
