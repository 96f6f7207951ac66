"""Pictures of pages, as a scanner or a camera makes them; the letters are of PIL's own font."""

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from tests.support.documents import pdf_of, shown, stream

INVOICE = [
    "Invoice RE-2031-0042",
    "Date: 14.03.2031",
    "",
    "Bolts\t250\t37.50",
    "Nuts\t100\t12.00",
    "Total\t\t49.50",
]


def page(
    lines: Sequence[str] = INVOICE, dpi: int = 150, *, size: tuple[float, float] = (6, 4), askew: float = 0
) -> Image.Image:
    """Draw lines on a page of so many inches, their cells, apart by tabs, an inch and a half wide."""
    picture = Image.new("L", (int(size[0] * dpi), int(size[1] * dpi)), 255)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(dpi * 11 / 72)
    for row, line in enumerate(lines):
        for column, cell in enumerate(line.split("\t")):
            draw.text((dpi * (0.5 + 1.5 * column), dpi * (0.5 + 0.25 * row)), cell, font=font, fill=0)
    return picture.rotate(askew, fillcolor=255, resample=Image.Resampling.BICUBIC) if askew else picture


def file(picture: Image.Image, kind: str = "PNG", *more: Image.Image) -> bytes:
    """Write a picture, or several, as a file."""
    buffer = BytesIO()
    picture.save(buffer, kind, **({"save_all": True, "append_images": more} if more else {}))
    return buffer.getvalue()


def scanned(*pages: Image.Image | bytes) -> bytes:
    """Write a PDF of pages that are pictures, or of the operators that show text."""
    kids = b" ".join(b"%d 0 R" % (4 + 3 * number) for number in range(len(pages)))
    font = b"/Font << /F1 3 0 R >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, each in enumerate(pages):
        first = 4 + 3 * number
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 397] /Contents %d 0 R" % (first + 1)
            + b" /Resources << %s /XObject << /I1 %d 0 R >> >> >>" % (font, first + 2)
        )
        content = each if isinstance(each, bytes) else b"q 595 0 0 397 0 0 cm /I1 Do Q"
        objects += [stream(content), _embedded(each)]
    return pdf_of(objects)


def written(page: str) -> bytes:
    """Give the operators that show a page's lines, below the upper edge of a page of `scanned`."""
    return shown(page).replace(b"60 780", b"60 350")


def _embedded(picture: Image.Image | bytes) -> bytes:
    if isinstance(picture, bytes):
        return b"null"
    keys = b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8"
    return stream(file(picture, "JPEG"), keys % picture.size + b" /Filter /DCTDecode")
