"""Office files are zip archives: what is in one is known, and bounded, before any of it is unpacked."""

from io import BytesIO
from typing import Literal
from zipfile import BadZipFile, ZipFile

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.reasons import Reason

MAX_ENTRIES = 10_000
MAX_UNPACKED_BYTES = 300_000_000
MAX_RATIO = 200
SMALL_BYTES = 20_000_000  # however well so little is packed, it is no bomb
CATALOGUE = "[Content_Types].xml"
MAX_CATALOGUE_BYTES = 1_000_000
IS_ENCRYPTED = 1  # a bit of an entry's flags
MAIN_PARTS: dict[bytes, Literal["docx", "xlsx"] | Reason] = {
    b"wordprocessingml.document.main+xml": "docx",
    b"wordprocessingml.template.main+xml": "docx",
    b"ms-word.document.macroEnabled.main+xml": "docx",
    b"spreadsheetml.sheet.main+xml": "xlsx",
    b"spreadsheetml.template.main+xml": "xlsx",
    b"ms-excel.sheet.macroEnabled.main+xml": "xlsx",
    b"ms-excel.sheet.binary.macroEnabled.main": Reason.BINARY_SHEET,
    b"presentationml": Reason.SLIDES,
    b"ms-powerpoint": Reason.SLIDES,
}
MIME_TYPES = {b"application/vnd.oasis": Reason.OPEN_DOCUMENT, b"application/epub": Reason.EBOOK}


def office_kind(content: bytes) -> Literal["docx", "xlsx"]:
    """Tell what an archive is; raises Unreadable where it is no document, or a bomb."""
    try:
        with ZipFile(BytesIO(content)) as archive:
            _refuse_bomb(archive, len(content))
            found = _declared(archive)
    except (BadZipFile, NotImplementedError, OSError, ValueError, EOFError):
        raise Unreadable(Reason.DAMAGED) from None
    if isinstance(found, Reason):
        raise Unreadable(found)
    return found


def _refuse_bomb(archive: ZipFile, packed: int) -> None:
    entries = archive.infolist()
    # An entry gives no more than it declares: zipfile stops there.
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > min(MAX_UNPACKED_BYTES, max(SMALL_BYTES, MAX_RATIO * packed)):
        raise Unreadable(Reason.PACKED)
    if any(entry.flag_bits & IS_ENCRYPTED for entry in entries):
        raise Unreadable(Reason.ENCRYPTED)


def _declared(archive: ZipFile) -> Literal["docx", "xlsx"] | Reason:
    names = set(archive.namelist())
    if CATALOGUE in names:
        with archive.open(CATALOGUE) as file:
            catalogue = file.read(MAX_CATALOGUE_BYTES)
        return next((kind for part, kind in MAIN_PARTS.items() if part in catalogue), Reason.ARCHIVE)
    if "mimetype" in names:
        with archive.open("mimetype") as file:
            mime_type = file.read(100)
        return next(
            (kind for start, kind in MIME_TYPES.items() if mime_type.startswith(start)), Reason.ARCHIVE
        )
    return Reason.ARCHIVE
