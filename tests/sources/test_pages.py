"""Pages as pictures: drawn by a child, with the boxes of texts; what is no page is unreadable."""

import re
from pathlib import Path

import pytest

from docmill.schemas.document import Document
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.files import document_of
from docmill.tasks.sources.pages import Picture, picture
from docmill.tasks.sources.parsing.picture import pixels
from docmill.tasks.sources.parsing.quotes import Letters, plain_text
from docmill.tasks.sources.parsing.reasons import Reason
from tests.support.documents import pdf, pdf_of, stream
from tests.support.scans import INVOICE, file, scanned
from tests.support.scans import page as scan

ROOT = Path(__file__).parents[2]
TWO = pdf("Cover", "Invoice of Ada Ltd\nNet 60\nTotal 60")


def _read(content: bytes, name: str = "a.pdf") -> Document:
    return document_of(content, name, name, name)


def _picture(content: bytes, number: int, *quotes: str, name: str = "a.pdf") -> Picture:
    """Draw a page with the boxes of quotes; a bar stands before the one that is meant."""
    document = _read(content, name)
    spans = []
    for quote in quotes:
        before, _, meant = quote.rpartition("|")
        at = document.text.index(before + meant) + len(before)
        spans.append((at, at + len(meant)))
    return picture(content, document, number, spans)


def test_a_page_is_drawn_with_the_box_of_each_text():
    found = _picture(TWO, 2, "Ada Ltd", "Net |60", "Total |60")
    assert found.pages == 2
    width, height = pixels(found.image) or (0, 0)
    assert width / height == pytest.approx(595 / 842, rel=0.01)
    assert max(width, height) == 1400
    [[name], [net], [total]] = found.boxes
    assert name[0] > 60 / 595
    assert name[1] < net[1] < total[1]  # from the top
    assert total[3] - total[1] == pytest.approx(11 / 842, rel=0.5)


# Of a page of 595 by 842 points: where the quote's left top is drawn, in shares of the page as it is shown.
TURNED = {
    "upright": (b"", 60 / 595, 1 - 790 / 842),
    "to the right": (b"/Rotate 90", 780 / 842, 60 / 595),
    "on its head": (b"/Rotate 180", 1 - 100 / 595, 780 / 842),
    "to the left": (b"/Rotate 270", 1 - 790 / 842, 1 - 100 / 595),
    "a part": (b"/CropBox [50 400 350 800]", 10 / 300, 10 / 400),
    "a part, to the right": (b"/CropBox [50 400 350 800] /Rotate 90", 380 / 400, 10 / 300),
}


@pytest.mark.parametrize(("keys", "left", "top"), TURNED.values(), ids=TURNED)
def test_a_box_stands_where_a_turned_or_cut_page_shows_its_text(keys: bytes, left: float, top: float):
    content = pdf("Ada Ltd\nNet 60").replace(b"/MediaBox", keys + b" /MediaBox")
    [[box]] = _picture(content, 1, "Ada Ltd").boxes
    assert box[:2] == pytest.approx((left, top), abs=0.02)
    assert 0 < box[0] < box[2] < 1
    assert 0 < box[1] < box[3] < 1


def test_a_page_of_a_pdf_behind_other_bytes_is_drawn():
    assert _picture(b"sent by a scanner\n" + TWO, 2, "Ada Ltd").boxes[0]


def test_a_quote_over_several_lines_has_a_box_for_each():
    assert len(_picture(TWO, 2, "Ltd\nNet 60\nTotal").boxes[0]) == 3


def test_what_a_page_does_not_show_has_no_box():
    document = _read(TWO)
    elsewhere = document.model_copy(update={"text": document.text.replace("Net", "Sum")})
    at = elsewhere.text.index("Sum")
    assert picture(TWO, elsewhere, 2, [(at, at + 3)]).boxes == ((),)


def test_words_that_a_line_end_parts_have_their_boxes():
    [[first, last]] = _picture(pdf("Invoice\nThe total pay-\nment of 60"), 1, "pay-\nment").boxes
    assert first[1] < last[1]
    assert first[0] > last[0]


# How a font names its ligatures: by glyphs' names, or by characters of which some are letters joined.
CHARACTERS = b"1 beginbfchar <01> <00660069> endbfchar 1 beginbfchar <02> <FB02> endbfchar"
JOINED = CHARACTERS.replace(b"<FB02>", b"<FB05>")  # long s and t: PDFium does not take them apart
CMAP = (
    b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00> <FF> "
    b"endcodespacerange 1 beginbfrange <20> <7E> <0020> endbfrange %s endcmap"
)
FONT = (
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /BaseEncoding /WinAnsiEncoding "
    b"/Differences [1 /fi /fl] >> %s >>"
)


@pytest.mark.parametrize(
    ("characters", "joined"),
    [(None, "fl"), (CHARACTERS, "fl"), (JOINED, "\u017ft")],
    ids=["names", "letters", "one"],
)
def test_the_boxes_of_words_with_ligatures_stand_where_they_are_shown(characters: bytes | None, joined: str):
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>",
        FONT % (b"/ToUnicode 6 0 R" if characters else b""),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources << /Font << /F1 3 0 R >> >> >>",
        stream(b"BT /F1 11 Tf 14 TL 60 780 Td (Of\\001ce at the \\001nal \\002at) Tj T* (of Ada Ltd) Tj ET"),
        stream(CMAP % (characters or b"")),
    ]
    content = pdf_of(objects)
    assert _read(content).text == f"Office at the final {joined}at\nof Ada Ltd"
    [[office], [last], [name]] = _picture(content, 1, "Office", f"final {joined}at", "Ada").boxes
    assert office[0] == pytest.approx(60 / 595, abs=0.002)
    assert office[2] < last[0]
    assert name[1] > office[3] - 0.002


def test_the_letters_that_stand_nearest_are_meant():
    letters = Letters((char, at) for at, char in enumerate("6 0 of 60, \ufb01rst 60 pay\x02ment"))
    assert letters.find("60", 0) == [0, 2]
    assert letters.find("60", 5) == [7, 8]
    assert letters.find("60", 99) == [16, 17]
    assert letters.find("first", 0) == [11, 11, 12, 13, 14]
    assert letters.find(plain_text("pay-\nment"), 0) == [*range(19, 27)]
    assert letters.find("61", 0) == letters.find("", 0) == []


@pytest.mark.slow
@pytest.mark.parametrize("turned", [0, 180])
@pytest.mark.parametrize("name", ["a.png", "a.tiff", "a.pdf"])
def test_what_was_recognized_has_boxes_on_the_page_as_it_was_read(name: str, turned: int):
    drawn = scan(INVOICE).rotate(turned)
    made = {"a.png": file, "a.tiff": lambda each: file(scan(["Cover"]), "TIFF", each), "a.pdf": scanned}
    one = made[name](drawn)
    found = _picture(one, 2 if name == "a.tiff" else 1, "RE-2031-0042", "Nuts\t100\t|12.00", name=name)
    assert found.image.startswith(b"\xff\xd8\xff")
    [[number], [price]] = found.boxes
    # Drawn at half an inch and 3.5 inches of 6, in the first and the fifth line of 4 inches.
    assert 0.5 / 6 < number[0] < number[2] < 2.7 / 6
    assert number[1] == pytest.approx(0.5 / 4, abs=0.03)
    assert price[0] == pytest.approx(3.5 / 6, abs=0.02)
    assert price[1] == pytest.approx(1.5 / 4, abs=0.03)


def test_what_a_page_shows_is_in_the_picture():
    assert _picture(TWO, 1).image != _picture(TWO, 2).image


@pytest.mark.parametrize("page", [0, 3, -1])
def test_a_page_that_there_is_not_is_unreadable(page: int):
    with pytest.raises(Unreadable):
        picture(TWO, _read(TWO), page, [])


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7 and no more", b"", b"PK\x03\x04"], ids=["cut", "empty", "zip"]
)
def test_what_is_no_pdf_is_unreadable(content: bytes):
    with pytest.raises(Unreadable):
        picture(content, _read(TWO), 1, [])


def test_an_encrypted_pdf_is_said_to_be_that():
    content = (ROOT / "samples" / "damaged" / "salaries 2026 (protected).pdf").read_bytes()
    with pytest.raises(Unreadable, match=re.escape(Reason.ENCRYPTED)):
        picture(content, _read(TWO), 1, [])
