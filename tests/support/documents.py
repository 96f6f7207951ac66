"""Builders of documents: PDF, Office files and archives, as small as they can be."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OPEN = "application/vnd.openxmlformats"
DOCX_TYPE = f"{OPEN}-officedocument.wordprocessingml.document.main+xml"


def pdf(*pages: str) -> bytes:
    """Write a PDF of pages whose lines are Latin text."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, page in enumerate(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R" % (5 + 2 * number)
            + b" /Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(stream(shown(page)))
    return pdf_of(objects)


def shown(page: str) -> bytes:
    """Give the operators that show a page's lines."""
    lines = (line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in page.split("\n"))
    text = "".join(f"({line}) Tj T*\n" for line in lines)
    return f"BT /F1 11 Tf 14 TL 60 780 Td\n{text}ET".encode("cp1252")


def stream(content: bytes, keys: bytes = b"") -> bytes:
    """Write a stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), keys, content)


def flate(content: bytes) -> bytes:
    """Write a compressed stream object."""
    return stream(zlib.compress(content, 9), b"/Filter /FlateDecode")


def pdf_of(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Write a PDF of objects, numbered from 1; the first is its catalogue."""
    file = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count, at = len(objects) + 1, len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
    file += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (count, trailer, at)
    return bytes(file)


def zipped(entries: Mapping[str, bytes | str] | Iterable[tuple[str, bytes | str]]) -> bytes:
    """Write a zip archive."""
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for name, content in entries.items() if isinstance(entries, Mapping) else entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def docx(
    *paragraphs: str,
    body: str = "",
    prolog: str = "",
    relations: str = "",
    others: Mapping[str, bytes | str] | None = None,
) -> bytes:
    """Write a Word document of paragraphs, or of a body in XML."""
    inner = body or "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    types = f'<Override PartName="/word/document.xml" ContentType="{DOCX_TYPE}"/>'
    main = f'<Relationship Id="r1" Type="{RELATIONS}/officeDocument" Target="word/document.xml"/>'
    rels = f'<Relationships xmlns="{PACKAGE}/relationships">'
    return zipped(
        {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
            f'<Default Extension="rels" ContentType="{OPEN}-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>',
            "_rels/.rels": f"{rels}{main}</Relationships>",
            "word/_rels/document.xml.rels": f"{rels}{relations}</Relationships>",
            "word/document.xml": f'<?xml version="1.0" encoding="UTF-8"?>{prolog}'
            f'<w:document xmlns:w="{WORD}" xmlns:r="{RELATIONS}"><w:body>{inner}</w:body></w:document>',
            **(others or {}),
        }
    )


def xlsx(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    """Write a workbook of sheets, of rows, of values."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append(row)
    buffer = BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def replaced(archive: bytes, changes: Mapping[str, bytes | str]) -> bytes:
    """Write an archive again with other entries in place of its own, or besides."""
    with ZipFile(BytesIO(archive)) as old:
        entries: dict[str, bytes | str] = {name: old.read(name) for name in old.namelist()}
    return zipped(entries | dict(changes))
