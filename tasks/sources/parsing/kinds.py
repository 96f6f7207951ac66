"""What kind of document some bytes are: their content decides, the suffix is a hint."""

import re
from typing import Literal

from docmill.tasks.sources.parsing.mail.mailtext import APPLE, BEGINNING
from docmill.tasks.sources.parsing.reasons import Reason

# A letter is a mail without what is attached.
Binary = Literal["pdf", "office", "eml", "letter", "html", "image"]
Look = Literal["frames", "frame", "page", "look", "view"]
Bytes = Literal["drawn", "inside", "member"]  # a picture, a list of the files within, one of these
# Of a child; more are the next rows of a sheet.
Asked = Binary | Look | Bytes | Literal["rows", "more"]
Kind = Binary | Literal["text"] | Reason

HTML_SUFFIXES = (".html", ".htm", ".xhtml")
# Atomic groups: a page of comments must not be tried in every combination.
HTML_START = re.compile(
    r"(?>\s+|\ufeff|<!--(?>.*?-->)|<\?(?>.*?>))*+<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)
HEAD_CHARS = 4096
PDF_HEAD_BYTES = 1024  # so much may stand before a PDF's first line
PNG = b"\x89PNG\r\n\x1a\n"
SIGNATURES: dict[bytes, Kind] = {
    b"%PDF-": "pdf",
    b"PK\x03\x04": "office",
    b"PK\x05\x06": "office",
    b"{\\rtf": Reason.RTF,
    **dict.fromkeys((b"\x89PNG\r", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"), "image"),
    **dict.fromkeys((b"\x1f\x8b", b"7z\xbc\xaf", b"\xfd7zXZ", b"Rar!", b"\x28\xb5\x2f\xfd"), Reason.ARCHIVE),
}
WEBP = re.compile(rb"RIFF.{4}WEBP", re.DOTALL)
BITMAP = re.compile(rb"BM.{4}\0{4}.{4}[\x0c\x28\x38\x40\x6c\x7c]\0{3}", re.DOTALL)
# The brand that a file names first, or where that says little one that it names beside it.
AVIF = re.compile(rb".{4}ftyp(?:avi[fs]|m[is]f1.{0,32}?avi[fs])", re.DOTALL)
HEIC = re.compile(rb".{4}ftyp(?:heic|heix|hevc|hevx|heim|heis|mif1|msf1)", re.DOTALL)
OLE = b"\xd0\xcf\x11\xe0"
OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# What is binary and has no signature that is known here.
UNREAD = {
    **dict.fromkeys((".doc", ".xls", ".ppt", ".msg"), Reason.OFFICE),
    **dict.fromkeys((".zip", ".bz2", ".tar"), Reason.ARCHIVE),
    **dict.fromkeys((".avif", ".bmp", ".heic", ".heif", ".webp", ".tif", ".tiff"), Reason.DAMAGED),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif"), Reason.DAMAGED),
    **dict.fromkeys((".pdf", ".docx", ".xlsx"), Reason.DAMAGED),
}
HEADER = re.compile(rb"[!-9;-~]{1,76}:[ \t]")
# Headers as mail programs write them: a note of somebody's may begin with From and Subject, too.
MAIL = re.compile(
    rb"^(?:mime-version: *1|message-id: *<|received: *(?:from|by) |return-path: *<|delivered-to: *\S+@)",
    re.IGNORECASE | re.MULTILINE,
)
MAILBOX = re.compile(rb"(?:\A|\n\r?\n)From \S+ [^\n]*\d{4}\r?\n")


def kind_of(content: bytes, suffix: str) -> Kind:
    """Tell the kind of a document, or the Reason why its kind is not read; text may yet be HTML."""
    if content.startswith(OLE):
        return Reason.ENCRYPTED if OLE_ENCRYPTED in content else Reason.OFFICE
    if any(picture.match(content) for picture in (WEBP, BITMAP, AVIF, HEIC)):
        return "image"
    start = content[:HEAD_CHARS].lstrip()
    for signature, kind in SIGNATURES.items():
        if start.startswith(signature):
            return kind
    if suffix == ".pdf" and b"%PDF-" in content[:PDF_HEAD_BYTES]:
        return "pdf"
    if not _is_mail(start, suffix):
        return "text"
    return Reason.MAILBOX if MAILBOX.match(start) and len(MAILBOX.findall(content)) > 1 else "eml"


def is_html(text: str, suffix: str) -> bool:
    """Say whether a text is a page of HTML."""
    return suffix in HTML_SUFFIXES or bool(HTML_START.match(text[:HEAD_CHARS]))


def _is_mail(start: bytes, suffix: str) -> bool:
    headers = re.split(
        rb"\r?\n\r?\n", APPLE.sub(b"", BEGINNING.sub(b"", start, count=1), count=1), maxsplit=1
    )[0]
    if MAILBOX.match(start):
        headers = headers.partition(b"\n")[2]
    return bool(HEADER.match(headers)) and (suffix in (".eml", ".emlx") or bool(MAIL.search(headers)))
