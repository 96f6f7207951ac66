"""Documents to text: plain text, Markdown, CSV and JSON as they are, HTML as Markdown.

The same bytes under the same suffix give the same text, wherever and whenever they are read.
"""

import html
import re
from pathlib import PurePath

from schemas.errors import Unreadable
from tasks.sources.encodings import decode

HTML_SUFFIXES = (".html", ".htm", ".xhtml")
# Atomic groups: a page of comments must not be tried in every combination.
HTML_START = re.compile(
    r"(?>\s+|\ufeff|<!--(?>.*?-->)|<\?(?>.*?>))*+<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
DECLARED = re.compile(
    rb"<meta\b[^>]{0,300}?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)|^\s*<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']([\w.:-]+)",
    re.IGNORECASE,
)
HEAD_CHARS = 4096
TITLE = re.compile(r"<title\b[^>]*>([^<]+)", re.IGNORECASE)
MAX_DEPTH = 256
PADDING = re.compile(r"^\|.*\|$", re.MULTILINE)  # a table's row: aligned for the eye, paid for in tokens
LINE_END = re.compile(r"\r\n|[\r\v\f\x85]")
UNPRINTED = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff]")

NOT_YET = {
    ".pdf": "PDF",
    ".doc": "Word",
    ".docx": "Word",
    ".xls": "Excel",
    ".xlsx": "Excel",
    ".ppt": "PowerPoint",
    ".pptx": "PowerPoint",
    ".odt": "OpenDocument",
    ".ods": "OpenDocument",
    ".rtf": "RTF",
    ".eml": "e-mail",
    ".msg": "e-mail",
    ".mht": "MHTML",
    ".mhtml": "MHTML",
    ".epub": "EPUB",
    **dict.fromkeys((".zip", ".gz", ".bz2", ".xz", ".7z", ".tar", ".tgz"), "archive"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".bmp", ".webp", ".heic"), "image"),
}
SIGNATURES = {
    b"%PDF-": "PDF",
    b"PK\x03\x04": "Office or archive",
    b"\xd0\xcf\x11\xe0": "Office",
    b"{\\rtf": "RTF",
    b"\x89PNG": "image",
    b"\xff\xd8\xff": "image",
    b"GIF8": "image",
    b"II*\0": "image",
    b"MM\0*": "image",
    b"\x1f\x8b": "archive",
}


def text_of(content: bytes, name: str) -> str:
    """Give a document's text: lines end in LF, there are no control characters but tabs.

    `name` is its file name, of which the suffix hints at the kind. Raises Unreadable where there is
    no text, or where the kind is not read.
    """
    suffix = PurePath(name).suffix.lower()
    _refuse_unsupported(content, suffix)
    text = decode(content, _declared(content, suffix))
    text = cleaned(text)
    if suffix in HTML_SUFFIXES or HTML_START.match(text[:HEAD_CHARS]):
        text = cleaned(_html(text))
    text = text.strip()
    if not legible(text):
        raise Unreadable("no text: the file holds nothing that can be read")
    return text


def cleaned(text: str) -> str:
    """End lines in LF, and leave out control characters but tabs."""
    return UNPRINTED.sub("", LINE_END.sub("\n", text))


def legible(text: str) -> bool:
    """Say whether there is anything to see in a text."""
    return any(char.isprintable() and not char.isspace() for char in text)


def _refuse_unsupported(content: bytes, suffix: str) -> None:
    signed = (kind for signature, kind in SIGNATURES.items() if content.startswith(signature))
    if kind := NOT_YET.get(suffix) or next(signed, None):
        raise Unreadable(
            f"{kind} files are not supported yet: docmill reads plain text, Markdown, CSV, JSON and HTML"
        )


def _declared(content: bytes, suffix: str) -> str | None:
    """Find the encoding that an HTML document names in its head."""
    head = content[:HEAD_CHARS]
    if suffix not in HTML_SUFFIXES and not HTML_START.match(head.decode("latin-1")):
        return None
    found = DECLARED.search(head)
    return (found[1] or found[2]).decode("ascii") if found else None


def _html(page: str) -> str:
    """Write HTML as Markdown, without scripts, styles, comments, images and what is hidden."""
    import html_to_markdown as markdown

    options = markdown.ConversionOptions(
        extract_metadata=False,
        skip_images=True,
        max_depth=MAX_DEPTH,
        preprocessing=markdown.PreprocessingOptions(enabled=False),  # it would drop forms with their text
    )
    try:
        converted = markdown.convert(page, options)
    except markdown.ConversionError as error:
        raise Unreadable(f"the HTML cannot be read: {error}") from None
    if any(warning.kind == markdown.WarningKind.DEPTH_LIMIT_EXCEEDED for warning in converted.warnings):
        raise Unreadable(f"the HTML is nested deeper than {MAX_DEPTH} levels: save the page as text")
    text = PADDING.sub(
        lambda row: re.sub(r" {2,}", " ", re.sub("-{4,}", "---", row[0])), converted.content or ""
    )
    title = TITLE.search(page[:HEAD_CHARS])
    heading = " ".join(html.unescape(title[1]).split()) if title else ""
    return text if heading in text else f"{heading}\n\n{text}"
