"""Scans and pictures are read, each page with its confidence; what cannot be read of them is told."""

from base64 import b64decode
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from docmill.schemas.document import Ocr
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources import scans
from docmill.tasks.sources.files import FileRef
from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing import pool
from docmill.tasks.sources.parsing.missed import Why
from docmill.tasks.sources.parsing.reasons import Reason
from tests.support.documents import docx
from tests.support.scans import INVOICE, file, page, scanned, written

TEXT = "\n".join(INVOICE).replace("\t\t", "\t")
LINE = page(["Invoice RE-2031-0042"], size=(3, 1))
PHOTOGRAPHS = Path(__file__).parents[1] / "support" / "photographs"
NOISE = Image.effect_noise((400, 300), 90)


@pytest.fixture(autouse=True, scope="module")
def _kept() -> Iterator[None]:
    """One child reads the pictures of all these tests."""
    with pool.kept():
        yield


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the extra uninstalled."""
    monkeypatch.setattr(scans, "PACKAGES", ("no_such_package",))
    scans.available.cache_clear()
    yield
    monkeypatch.undo()
    scans.available.cache_clear()


def _reason(content: bytes, name: str, ocr: Ocr = "missing") -> str:
    with pytest.raises(Unreadable) as raised:
        parsed(content, name, ocr)
    return str(raised.value)


@pytest.mark.slow
def test_a_picture_is_read_with_its_confidence():
    text, starts, unread, [seen], _ = parsed(file(LINE), "a.png")
    assert (text, starts, unread) == ("Invoice RE-2031-0042", (0,), ())
    assert (seen.part, seen.start, seen.end) == ("page 1", 0, len(text))
    assert 0.9 < seen.confidence <= 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "AVIF"])
def test_pictures_of_every_kind_are_read(kind: str):
    assert parsed(file(LINE, kind), "a").text == "Invoice RE-2031-0042"


@pytest.mark.parametrize("held", ["upright", "turned"])
def test_a_telephones_photograph_is_read_as_its_camera_was_held(held: str):
    """The files were written by pillow-heif 1.8.1, as no library here writes such."""
    assert parsed((PHOTOGRAPHS / f"{held}.heic").read_bytes(), "a").text == "Invoice RE-2031-0042"


def test_a_photograph_that_is_damaged_is_told_as_such():
    whole = (PHOTOGRAPHS / "upright.heic").read_bytes()
    assert _reason(whole[: len(whole) // 2], "a.heic") == Reason.DAMAGED


def test_a_picture_of_a_kind_that_is_not_read_is_told_as_such():
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"] = "a@example.com", "A photograph"
    mail.set_content("See the photograph.")
    photograph = b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(1000)  # JPEG 2000
    mail.add_attachment(photograph, "image", "jp2", filename="a.jp2")
    assert parsed(mail.as_bytes(), "a.eml").unread == (("attachment a.jp2", Why.KIND),)


def test_the_document_says_what_of_it_was_a_picture(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(file(LINE))
    [recognized] = FileRef("a.png", "file:///a.png", tmp_path / "a.png").read().recognized
    assert recognized.model_dump(exclude={"confidence"}) == {"part": "page 1", "start": 0, "end": 20}


@pytest.mark.usefixtures("without")
@pytest.mark.parametrize(("content", "name"), [(file(LINE), "a.png"), (scanned(LINE), "a.pdf")])
def test_without_the_extra_a_scan_says_what_to_type(content: bytes, name: str):
    assert "`pip install 'docmill[ocr]'` has it read" in _reason(content, name)


@pytest.mark.usefixtures("without")
def test_without_the_extra_a_scanned_page_among_others_is_told():
    read = parsed(scanned(written("A first page."), LINE), "a.pdf")
    assert (read.text, read.unread, read.seen) == ("A first page.", (("page 2", Why.SCANNED),), ())


def test_a_pipeline_may_leave_pictures_unread():
    assert _reason(file(LINE), "a.png", "off") == Reason.IMAGE_OFF
    assert _reason(scanned(LINE), "a.pdf", "off") == Reason.SCANNED


def test_a_picture_without_letters_is_said_to_be_blank():
    assert _reason(file(Image.new("L", (300, 300), 255)), "a.png") == Reason.BLANK


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"])
def test_every_kind_of_picture_is_read(kind: str):
    assert parsed(file(page(), kind), "scan").text == TEXT


@pytest.mark.slow
@pytest.mark.parametrize("askew", [-2.0, 1.5])
@pytest.mark.parametrize("dpi", [150, 300])
def test_rows_and_cells_stand_as_on_the_page_also_askew(dpi: int, askew: float):
    assert parsed(file(page(dpi=dpi, askew=askew)), "a.png").text == TEXT


@pytest.mark.slow
@pytest.mark.parametrize("turned", [90, 180, 270])
def test_a_page_that_lies_on_its_side_or_head_is_turned(turned: int):
    assert parsed(file(page().rotate(turned, expand=True)), "a.png").text == TEXT


@pytest.mark.slow
def test_each_page_of_a_tiff_is_a_page():
    pages = [page([f"This is page {number}"], size=(4, 2)) for number in (1, 2, 3)]
    text, starts, unread, seen, _ = parsed(file(pages[0], "TIFF", *pages[1:]), "fax.tif")
    assert text == "This is page 1\n\nThis is page 2\n\nThis is page 3"
    assert (starts, unread) == ((0, 16, 32), ())
    assert [(each.part, each.start, each.end) for each in seen] == [
        ("page 1", 0, 16),
        ("page 2", 16, 32),
        ("page 3", 32, 46),
    ]


@pytest.mark.slow
def test_of_a_pdf_only_pages_without_text_are_read_by_their_picture():
    text, starts, unread, seen, _ = parsed(
        scanned(written("A first page."), page(), written("The last.")), "a.pdf"
    )
    assert text == f"A first page.\n\n{TEXT}\n\nThe last."
    assert (starts, unread) == ((0, 15, 17 + len(TEXT)), ())
    assert [each.part for each in seen] == ["page 2"]


@pytest.mark.slow
def test_a_stamp_on_a_scan_is_not_said_twice():
    stamped = b"q 595 0 0 397 0 0 cm /I1 Do Q " + written("Received 3 May").replace(b"60 350", b"400 40")
    read = parsed(scanned(page()).replace(b"q 595 0 0 397 0 0 cm /I1 Do Q", stamped), "a.pdf")
    assert read.text.count("Received 3 May") == 1
    assert "RE-2031-0042" in read.text


@pytest.mark.slow
def test_every_page_is_read_by_its_picture_where_the_pipeline_says_so():
    read = parsed(scanned(written("A first page.")), "a.pdf", "always")
    assert (read.text, [each.part for each in read.seen]) == ("A first page.", ["page 1"])


@pytest.mark.slow
def test_pages_that_were_read_by_their_pictures_are_given_as_pictures_where_asked_for():
    read = parsed(scanned(written("A first page."), LINE), "a.pdf", shown=True)
    [url] = read.shown
    kind, _, encoded = url.partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(BytesIO(b64decode(encoded))) as picture:
        assert (picture.format, max(picture.size) <= 1568) == ("JPEG", True)
    assert len(parsed(file(LINE), "a.png", shown=True).shown) == 1
    assert parsed(scanned(written("A first page.")), "a.pdf", shown=True).shown == ()


@pytest.mark.slow
def test_noise_is_not_sent_as_text():
    assert _reason(file(NOISE), "a.png") in (Reason.BLANK, Reason.UNSURE)


@pytest.mark.slow
def test_pictures_of_a_mail_are_read():
    message = EmailMessage()
    message["From"], message["Subject"] = "a@b.example", "The invoice"
    message.set_content("See the scan.")
    message.add_attachment(file(page()), maintype="image", subtype="png", filename="scan.png")
    message.add_attachment(scanned(LINE), maintype="application", subtype="pdf", filename="b.pdf")
    text, _, unread, seen, _ = parsed(message.as_bytes(policy=SMTP), "a.eml")
    assert TEXT in text
    assert text.endswith("Attachment: b.pdf\n\nInvoice RE-2031-0042")
    assert not unread
    assert [(each.part, text[each.start : each.end]) for each in seen] == [
        ("attachment scan.png", TEXT),
        ("attachment b.pdf, page 1", "Invoice RE-2031-0042"),
    ]


def _mail_of_a_scan() -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "a@b.example", "The invoice"
    message.set_content("See the scan.")
    message.add_attachment(scanned(LINE), maintype="application", subtype="pdf", filename="b.pdf")
    return message.as_bytes(policy=SMTP)


def test_a_scanned_pdf_that_is_all_a_mail_has_of_pictures_is_read():
    text, _, unread, [seen], _ = parsed(_mail_of_a_scan(), "a.eml")
    assert text.endswith("Attachment: b.pdf\n\nInvoice RE-2031-0042")
    assert (unread, seen.part) == ((), "attachment b.pdf, page 1")


@pytest.mark.usefixtures("without")
def test_without_the_extra_a_mail_says_which_pages_of_its_scan_are_pictures():
    assert parsed(_mail_of_a_scan(), "a.eml").unread == (("attachment b.pdf, page 1", Why.SCANNED),)


@pytest.mark.slow
def test_a_large_picture_of_a_letter_is_read():
    drawing = (
        "<w:p><w:r><w:t>Before.</w:t></w:r><w:r><w:drawing>"
        '<wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">'
        '<wp:extent cx="5500000" cy="4500000"/>'
        '<a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" r:embed="p1"/>'
        "</wp:inline></w:drawing></w:r></w:p><w:p><w:r><w:t>After.</w:t></w:r></w:p>"
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image"
    letter = docx(
        body=drawing,
        relations=f'<Relationship Id="p1" Type="{kind}" Target="media/image1.png"/>',
        others={"word/media/image1.png": file(page())},
    )
    text, _, unread, [seen], _ = parsed(letter, "a.docx")
    assert (text, unread) == (f"Before.\n\n{TEXT}\n\nAfter.", ())
    assert seen.part == "picture image1.png"
    assert parsed(letter, "a.docx", "off").unread == (("picture 1", Why.PICTURE),)
