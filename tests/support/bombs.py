"""Documents that are made to harm who reads them."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from zipfile import ZipFile

from tests.support.documents import (
    docx,
    pdf,
    pdf_of,
    replaced,
    shown,
    stream,
    xlsx,
    zipped,
)

CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R %s >>"
FONT = b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def _page(contents: bytes, resources: bytes = b"", *others: bytes) -> bytes:
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
    return pdf_of(
        [CATALOGUE, pages, PAGE % (b"/Resources << %s %s >>" % (FONT, resources)), contents, *others]
    )


def _deflated(unit: bytes, times: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(unit) for _ in range(times)), packer.flush()])


def _pdf_of_a_gigabyte() -> bytes:
    packed = zlib.compress(_deflated(b" " * 1_000_000, 1000), 9)
    return _page(stream(packed, b"/Filter [/FlateDecode /FlateDecode]"))


def _cyclic_pages() -> bytes:
    return pdf_of([CATALOGUE, b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 >>", PAGE % b"", stream(b"")])


def _two_billion_pages() -> bytes:
    pages = b"<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>"
    return pdf_of([CATALOGUE, pages, PAGE % b"", stream(shown("a"))])


def _objects_of_an_object_stream() -> bytes:
    inner = _deflated(b"1 0 " * 250_000, 500)
    file = b"%PDF-1.7\n"
    packed = stream(inner, b"/Type /ObjStm /N 4000000 /First 16000000 /Filter /FlateDecode")
    table = b"".join(struct.pack(">BIB", 2, 5, number) for number in range(5))
    table += struct.pack(">BIB", 1, len(file), 0)
    file += b"5 0 obj\n%s\nendobj\n" % packed
    keys = b"/Type /XRef /Size 6 /W [1 4 1] /Root 1 0 R"
    return file + b"6 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF" % (stream(table, keys), len(file))


def _forms(content: Callable[[int], bytes], count: int) -> bytes:
    names = b" ".join(b"/X%d %d 0 R" % (number, 5 + number) for number in range(count))
    keys = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << %s /XObject << %s >> >>" % (
        FONT,
        names,
    )
    forms = [stream(content(number), keys) for number in range(count)]
    return _page(stream(b"/X0 Do"), b"/XObject << %s >>" % names, *forms)


def laughs(element: str, size: int = 9) -> tuple[str, str]:
    """Give a prolog of entities that grow tenfold each, and an element that uses the last."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, size + 1))
    return f'<!DOCTYPE x [<!ENTITY e0 "{"ha" * 50}">{entities}]>', f"<{element}>&e{size};</{element}>"


def sheet(rows: str, prolog: str = "") -> bytes:
    """Write a workbook whose first sheet has these rows, in XML."""
    data = f'{prolog}<worksheet xmlns="{MAIN}"><dimension ref="A1"/><sheetData>{rows}</sheetData></worksheet>'
    return replaced(xlsx({"A": [["x"]]}), {SHEET: data})


def _docx_of(unit: str, times: int) -> bytes:
    return docx(body=unit * times)


def _laughing_docx() -> bytes:
    prolog, text = laughs("w:t")
    return docx(body=f"<w:p><w:r>{text}</w:r></w:p>", prolog=prolog)


def _laughing_xlsx() -> bytes:
    prolog, text = laughs("t")
    return sheet(f'<row r="1"><c r="A1" t="inlineStr"><is>{text}</is></c></row>', prolog)


def _lying_sizes() -> bytes:
    file = docx("x" * 50_000_000)
    with ZipFile(BytesIO(file)) as archive:
        size = archive.getinfo("word/document.xml").file_size
    return file.replace(struct.pack("<I", size), struct.pack("<I", 500))


def _nested_mail(levels: int) -> bytes:
    parts = (
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(levels)
    )
    return b"From: a@b.example\nMIME-Version: 1.0\n" + b"".join(parts) + b"\ntext"


def _mails_in_mails(levels: int) -> bytes:
    return b"From: a@b.example\nContent-Type: message/rfc822\n\n" * levels + b"From: c\n\ntext"


def _wide_mail(parts: int) -> bytes:
    head = b"From: a@b.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    return head + b"--b\n\nx\n" * parts + b"--b--\n"


BOMBS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "PDF: 1 GB in a page": ("pdf", _pdf_of_a_gigabyte),
    "PDF: pages in a circle": ("pdf", _cyclic_pages),
    "PDF: says 2,000,000,000 pages": ("pdf", _two_billion_pages),
    "PDF: 500 MB of object stream": ("pdf", _objects_of_an_object_stream),
    "PDF: a form within itself": ("pdf", lambda: _forms(lambda n: b"/X0 Do /X0 Do", 1)),
    "PDF: 12,000 pages": ("pdf", lambda: pdf(*[""] * 12_000)),
    "PDF: a million brackets": ("pdf", lambda: _page(stream(b"[" * 1_000_000))),
    "zip: 100,000 entries": ("docx", lambda: zipped((f"{n}", b"") for n in range(100_000))),
    "zip: 400 MB unpacked": ("docx", lambda: docx("x", others={"word/a.xml": b" " * 400_000_000})),
    "zip: 20 MB of 10 KB": ("docx", lambda: docx("x", others={"word/a.xml": b" " * 25_000_000})),
    "zip: sizes that lie": ("docx", _lying_sizes),
    "docx: a billion laughs": ("docx", _laughing_docx),
    "docx: 19 MB of paragraphs": ("docx", lambda: _docx_of("<w:p/>", 3_100_000)),
    "docx: 50,000 levels": (
        "docx",
        lambda: docx(body="<w:sdt><w:sdtContent>" * 50_000 + "</w:sdtContent></w:sdt>" * 50_000),
    ),
    "xlsx: a billion laughs": ("xlsx", _laughing_xlsx),
    "xlsx: row 10,000,000,000": ("xlsx", lambda: sheet('<row r="10000000000"><c r="A1"><v>1</v></c></row>')),
    "xlsx: a million wide rows": ("xlsx", lambda: sheet('<row><c r="XFD1"><v>1</v></c></row>' * 400_000)),
    "xlsx: column ZZZZZZZ": ("xlsx", lambda: sheet('<row r="1"><c r="ZZZZZZZ1"><v>1</v></c></row>')),
    "eml: 10,000 parts, nested": ("eml", lambda: _nested_mail(10_000)),
    "eml: 10,000 mails, nested": ("eml", lambda: _mails_in_mails(10_000)),
    "eml: 100,000 parts": ("eml", lambda: _wide_mail(100_000)),
    "eml: a header of 10 MB": (
        "eml",
        lambda: b"From: a@b.example\nTo: " + b"a@b.example, " * 800_000 + b"\n\ntext",
    ),
    "eml: a million encoded words": (
        "eml",
        lambda: b"Subject: " + b"=?utf-8?q?=C3=A4?= " * 500_000 + b"\n\ntext",
    ),
    "html: 19 MB of paragraphs": ("html", lambda: b"<html>" + b"<p>a" * 4_700_000),
    "html: a million levels": ("html", lambda: b"<html>" + b"<div>" * 1_000_000 + b"text"),
    "txt: 20 MB in a line": ("txt", lambda: b"x" * 20_000_000),
    "txt: 100 MB in a line": ("txt", lambda: b"x" * 100_000_000),
}
