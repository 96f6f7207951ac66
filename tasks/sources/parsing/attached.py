"""Files within a document, read by what they are."""

import re
from pathlib import PurePath

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.encodings import decode
from docmill.tasks.sources.parsing.excel import xlsx
from docmill.tasks.sources.parsing.html.markdown import markdown_of
from docmill.tasks.sources.parsing.kinds import UNREAD, is_html, kind_of
from docmill.tasks.sources.parsing.mail import calendar, eml
from docmill.tasks.sources.parsing.missed import Missed
from docmill.tasks.sources.parsing.office import office_kind
from docmill.tasks.sources.parsing.pdf import pdf
from docmill.tasks.sources.parsing.reasons import MAX_TEXT_BYTES, Reason
from docmill.tasks.sources.parsing.word import docx

CALENDAR = re.compile(r"\s*BEGIN:VCALENDAR\b", re.IGNORECASE)


def text(content: bytes, name: str, missed: Missed) -> str:
    """Give the text of a file; raises Unreadable where it has none, or is of a kind that is not read.

    Files that are attached to an attached mail are told, and not read.
    """
    suffix = PurePath(name).suffix.lower()
    kind = kind_of(content, suffix)
    if isinstance(kind, Reason):
        raise Unreadable(kind)
    match office_kind(content) if kind == "office" else kind:
        case "pdf":
            return "\n\n".join(page.strip() for page in pdf.pages(content, missed))
        case "xlsx":
            return "\n\n".join(xlsx.sheets(content, missed))
        case "docx":
            return docx.text(content, missed)
        case "eml":
            return eml.text(content, missed)
        case "image":
            return _picture(content, missed)
        case _:
            return _plain(content, suffix, missed)


def _picture(content: bytes, missed: Missed) -> str:
    if missed.reader is None:
        raise Unreadable(Reason.IMAGE)
    return missed.reader.picture("picture", content, missed)


def _plain(content: bytes, suffix: str, missed: Missed) -> str:
    if suffix in UNREAD or len(content) > MAX_TEXT_BYTES:
        raise Unreadable(UNREAD.get(suffix, Reason.LONG))
    words = decode(content)
    if CALENDAR.match(words):
        return calendar.text(words)
    return markdown_of(words, missed) if is_html(words, suffix) else words
