"""Documents to text: plain text as it is, HTML as Markdown, and the text of PDF, Office files and mails.

The same bytes under the same suffix give the same text, wherever and whenever they are read.
"""

import re
from pathlib import PurePath

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.encodings import decode
from docmill.tasks.sources.parsing import pool, wire
from docmill.tasks.sources.parsing.html.markdown import markdown_of
from docmill.tasks.sources.parsing.kinds import HEAD_CHARS, UNREAD, Binary, is_html, kind_of
from docmill.tasks.sources.parsing.missed import Missed
from docmill.tasks.sources.parsing.reasons import MAX_PAGES, MAX_TEXT_BYTES, Reason
from docmill.tasks.sources.parsing.text import Text, cleaned, legible, paged

DECLARED = re.compile(
    rb"<meta\b[^>]{0,300}?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)|^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([\w.:-]+)",
    re.IGNORECASE,
)
MAX_HTML_CHARS = 200_000  # a longer page may take two hundred times its size of memory: a child's affair


def parsed(content: bytes, name: str) -> Text:
    """Give a document's text: lines end in LF, there are no control characters but tabs.

    `name` is its file name, of which the suffix hints at the kind. Raises Unreadable where there is
    no text, or where the kind is not read.
    """
    suffix = PurePath(name).suffix.lower()
    kind = kind_of(content, suffix)
    if isinstance(kind, Reason):
        raise Unreadable(kind)
    text = _text(content, suffix) if kind == "text" else _by_child(kind, content)
    if not legible(text.text):
        raise Unreadable(Reason.SCANNED if kind == "pdf" else Reason.EMPTY)
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
    return read._replace(unread=(*missed, *read.unread))


def _declared(content: bytes, suffix: str) -> str | None:
    """Find the encoding that an HTML document names in its head."""
    head = content[:HEAD_CHARS]
    found = DECLARED.search(head) if is_html(head.decode("latin-1"), suffix) else None
    return (found[1] or found[2]).decode("ascii") if found else None


def _by_child(kind: Binary, content: bytes) -> Text:
    """Have a child read it; what it sends is trusted no more than the document."""
    if len(content) > MAX_TEXT_BYTES:  # other encodings take less than UTF-8
        raise Unreadable(Reason.LONG)
    tag, body = pool.parse(kind, content)
    try:
        told, _, text = body.decode().partition(wire.MISSED_END)
        unread = tuple(Missed.read(told))
    except (ValueError, RecursionError):
        raise Unreadable(Reason.DIED) from None
    if tag != wire.PAGES:
        return Text(cleaned(text).strip(), unread=unread)
    pages = text.split(wire.BETWEEN)
    if len(pages) > MAX_PAGES:
        raise Unreadable(Reason.DIED)
    return paged(pages)._replace(unread=unread)
