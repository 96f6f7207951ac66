"""PDF: what stands on a page beside its own text is read, and what cannot be read is told."""

import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing.missed import Why
from docmill.tasks.sources.parsing.text import Text
from tests.support.documents import flate, pdf, pdf_of, shown, stream

FONT = b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >> >>"
LETTER = "\n".join(["The committee met at noon, and has approved the plan."] * 4)
SCAN = b"q 595 0 0 842 0 0 cm /I1 Do Q "
DOTS = stream(
    bytes(64),
    b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /ColorSpace /DeviceGray /BitsPerComponent 8",
)


def _document(
    *contents: bytes, keys: bytes = b"", catalogue: bytes = b"", more: tuple[bytes, ...] = ()
) -> bytes:
    """Write a PDF of pages by their content streams, object 3 a picture, `more` from 4 on."""
    first = 4 + len(more)
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalogue,
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(contents)),
        DOTS,
        *more,
    ]
    for number, content in enumerate(contents):
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R" % (
            first + 2 * number + 1
        )
        objects.append(page + b" /Resources << %s /XObject << /I1 3 0 R >> >> %s >>" % (FONT, keys))
        objects.append(content)
    return pdf_of(objects)


def _read(content: bytes) -> Text:
    return parsed(content, "a.pdf", "off")


def _form(*fields: bytes, xfa: bytes = b"") -> bytes:
    numbers = b" ".join(b"%d 0 R" % number for number in range(4, 4 + len(fields)))
    return _document(
        stream(shown("Order form")),
        keys=b"/Annots [%s]" % numbers,
        catalogue=b"/AcroForm << /Fields [%s] /DR << %s >> /DA (/F1 10 Tf 0 g) %s >>" % (numbers, FONT, xfa),
        more=fields,
    )


def _field(name: bytes, rest: bytes) -> bytes:
    return b"<< /Type /Annot /Subtype /Widget /T (%s) /Rect [100 700 300 720] /F 4 %s >>" % (name, rest)


@pytest.mark.parametrize("turn", [b"0 1 -1 0 500 100", b"-1 0 0 -1 500 700"])
def test_lines_that_stand_on_their_side_stay_apart(turn: bytes):
    """A line may begin with a number where the one before it ended with one."""
    content = b"BT /F1 11 Tf 14 TL %s Tm (amount 378.00) Tj T* (40 slats) Tj T* (7 dowels) Tj ET" % turn
    assert _read(_document(stream(content))).text.split("\n") == ["amount 378.00", "40 slats", "7 dowels"]


@given(
    st.lists(st.lists(st.integers(0, 99999), min_size=2, max_size=4), min_size=2, max_size=5), st.booleans()
)
@settings(max_examples=40)
def test_the_cells_of_a_table_stay_apart(rows: list[list[int]], upwards: bool):
    """Whatever numbers stand in a table, upright or on its side, they are the words of its text."""
    cells = b"".join(
        b"1 0 0 1 %d %d Tm (%d) Tj " % (50 + 60 * column, 700 - 20 * row, value)
        for row, values in enumerate(rows)
        for column, value in enumerate(values)
    )
    turn = b"0 1 -1 0 800 0 cm" if upwards else b""
    content = stream(b"%s BT /F1 11 Tf %s ET" % (turn, cells))
    assert _read(_document(content)).text.split() == [str(value) for values in rows for value in values]


@pytest.mark.parametrize("small", [b"/F1 6 Tf 48.5 4 Td", b"0.5 0 0 0.5 98.5 704 Tm"])
def test_a_small_digit_behind_a_number_is_a_mark_and_none_of_its_digits(small: bytes):
    page = b"BT /F1 11 Tf 50 720 Td (The guild) Tj 0 -20 Td (has 1,235) Tj %s (7) Tj ET" % small
    text = _read(_document(stream(page))).text
    assert "1,235⁷" in text
    whole = b"BT /F1 11 Tf 50 720 Td (has 1,23) Tj /F1 10 Tf (57) Tj ET"
    assert "1,2357" in _read(_document(stream(whole))).text


def test_what_stands_beside_the_page_is_not_read():
    content = b"BT /F1 11 Tf 60 780 Td (On the page) Tj 0 -14 Td (and 7) Tj 900 0 Td (far away) Tj ET"
    assert _read(_document(stream(content))).text == "On the page\nand 7"


@pytest.mark.parametrize(
    "picture",
    [SCAN, b"q 595 0 0 420 0 0 cm /I1 Do Q q 595 0 0 422 0 420 cm /I1 Do Q "],
    ids=["whole", "strips"],
)
@pytest.mark.parametrize("words", ["", "Received 3 May", "Case 2:31-cv-00417 Document 12 Filed 3 May 2031"])
def test_a_page_that_is_a_picture_with_no_more_than_a_stamp_is_told(picture: bytes, words: str):
    text, starts, unread, *_ = _read(_document(stream(shown(LETTER)), stream(picture + shown(words))))
    assert text == f"{LETTER}\n\n{words}".strip()
    assert len(starts) == 2
    assert unread == (("page 2", Why.SCANNED),)


def test_a_scan_with_its_recognized_text_is_read():
    recognized = b"3 Tr " + shown("Meter 4471").removeprefix(b"BT ")
    assert _read(_document(stream(SCAN + b"BT " + recognized))) == Text("Meter 4471", (0,))


@pytest.mark.parametrize(
    "content", [SCAN + shown(LETTER), b"q 80 0 0 80 50 50 cm /I1 Do Q " + shown("Short"), b""]
)
def test_a_picture_behind_a_letter_a_logo_and_a_blank_page_hide_nothing(content: bytes):
    assert _read(_document(stream(shown(LETTER)), stream(content))).unread == ()


def test_a_page_whose_letters_are_drawn_as_lines_is_told():
    drawn = b"".join(b"%d 700 m %d 720 l %d 700 l S " % (x, x + 2, x + 4) for x in range(50, 550, 4))
    assert _read(_document(stream(shown(LETTER)), stream(drawn))).unread == (("page 2", Why.DRAWN),)


def test_fields_that_are_not_drawn_are_read_under_their_names():
    file = _form(
        _field(b"Name", b"/FT /Tx /V (Ann Example)"),
        _field(b"f2", b"/FT /Ch /Ff 131072 /Opt [(Oak) (Ash)] /V (Ash) /TU (Kind of wood)"),
        _field(b"Empty", b"/FT /Tx"),
        _field(b"Secret", b"/FT /Tx /Ff 8192 /V (swordfish)"),
        _field(b"Hidden", b"/FT /Tx /V (unseen) /F 2").replace(b"/F 4", b""),
    )
    assert _read(file) == Text("Order form\nName: Ann Example\nKind of wood: Ash", (0,))


@pytest.mark.parametrize(("on", "line"), [(b"Yes", "Express: ☒"), (b"by_air", "Express: ☒ by_air")])
def test_a_ticked_box_is_read(on: bytes, line: str):
    mark = b"/AP << /N << /%s 3 0 R /Off 3 0 R >> >>" % on
    ticked = _field(b"Express", b"/FT /Btn /V /%s /AS /%s %s" % (on, on, mark))
    open_ = _field(b"Insured", b"/FT /Btn /V /Off /AS /Off %s" % mark)
    assert _read(_form(ticked, open_)).text == f"Order form\n{line}"


def _xfa() -> bytes:
    data = (
        b'<xdp:xdp xmlns:xdp="a"><xfa:datasets xmlns:xfa="b"><xfa:data><form>'
        b"<sum>731.25</sum><who><name>Ann &amp; Co</name><none/></who></form></xfa:data>"
        b"</xfa:datasets></xdp:xdp>"
    )
    fields = _field(b"x", b"/FT /Tx"), stream(data)
    form = _form(*fields, xfa=b"/XFA 5 0 R")
    return form.replace(b"/Type /Catalog", b"/Type /Catalog /NeedsRendering true")


def test_the_values_of_an_xfa_form_are_read_and_its_pages_told():
    text, _, unread, *_ = _read(_xfa())
    assert text.split("\n") == ["Order form", "", "sum: 731.25", "name: Ann & Co"]
    assert unread == (("form", Why.XFA),)


@pytest.mark.slow
def test_the_values_of_an_xfa_form_are_no_page_that_could_be_read_by_its_picture():
    read = parsed(_xfa(), "a.pdf", "always")
    assert read.text.endswith("sum: 731.25\nname: Ann & Co")
    assert read.unread == (("form", Why.XFA),)


def test_entities_of_an_xfa_form_are_not_expanded():
    entity = b'<!DOCTYPE a [<!ENTITY e "boom">]>'
    data = entity + b'<xfa:datasets xmlns:xfa="b"><xfa:data><f>&e;</f></xfa:data></xfa:datasets>'
    assert _read(_form(stream(data), xfa=b"/XFA 4 0 R")).text == "Order form"


def test_what_is_typed_or_noted_on_a_page_is_read_once():
    note = b"<< /Type /Annot /Subtype /%s /Rect [100 600 300 620] /F 4 /Contents (%s) >>"
    notes = (
        note % (b"FreeText", b"Paid: 55.00"),
        note % (b"Highlight", b"order form"),
        note % (b"Text", b"Ask Ann"),
    )
    file = _document(stream(shown("order form")), keys=b"/Annots [4 0 R 5 0 R 6 0 R]", more=notes)
    assert _read(file).text == "order form\nPaid: 55.00\nAsk Ann"


def test_files_within_a_pdf_are_told_but_not_the_data_of_an_invoice():
    names = b"/Names << /EmbeddedFiles << /Names [(a) 4 0 R (b) 5 0 R] >> >>"
    spec = b"<< /Type /Filespec /F (%s) /UF (%s) /EF << /F 6 0 R >> >>"
    more = spec % ((b"plan.pdf",) * 2), spec % ((b"factur-x.xml",) * 2), stream(b"x", b"/Type /EmbeddedFile")
    file = _document(stream(shown("See plan")), catalogue=names, more=more)
    assert _read(file).unread == (("attachment plan.pdf", Why.ATTACHMENT),)


def _broken(content: bytes) -> bytes:
    packed = zlib.compress(content, 9)
    return stream(packed[:20] + b"\xff" * 8 + packed[28:], b"/Filter /FlateDecode")


def test_a_page_whose_stream_is_damaged_is_told():
    assert _read(_document(flate(shown(LETTER)), _broken(shown(LETTER)))).unread == (("page 2", Why.STREAM),)


@pytest.mark.parametrize("keys", [b"/Subtype /Image /Width 9", b"/Length1 900", b"/Type /Metadata"])
def test_a_damaged_picture_font_or_description_takes_no_text_away(keys: bytes):
    broken = _broken(b"some content that is packed, and damaged then" * 9).replace(
        b"/Filter", keys + b" /Filter"
    )
    assert _read(_document(flate(shown(LETTER)), more=(broken,))).unread == ()


def test_a_stream_without_its_checksum_is_whole():
    """Many programs leave it out; PDFium does not miss it."""
    packed = stream(zlib.compress(shown(LETTER))[:-4], b"/Filter /FlateDecode")
    assert _read(_document(packed)) == Text(LETTER, (0,))


def test_a_file_whose_end_is_missing_is_told():
    whole = pdf(LETTER, LETTER)
    cut = whole[: whole.rindex(b"xref\n0")]
    assert _read(cut + b"trailer << /Root 1 0 R >>").unread == (("end of the file", Why.CUT),)


def test_letters_that_no_font_names_are_told():
    codes = b"\n".join(b"<%02x> <e0%02x>" % (code, code) for code in range(33, 123))
    cmap = (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00> <ff>"
        b" endcodespacerange 90 beginbfchar %s endbfchar endcmap end end" % codes
    )
    font = b"<< /Font << /F2 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 4 0 R >> >> >>"
    form = stream(
        shown(LETTER).replace(b"/F1", b"/F2"),
        b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources %s" % font,
    )
    page = b"<< /XObject << /I1 3 0 R /G1 5 0 R >> %s >>" % FONT
    file = _document(
        stream(shown(LETTER)), stream(b"/G1 Do"), keys=b"/Resources %s" % page, more=(stream(cmap), form)
    )
    assert _read(file).unread == (("page 2", Why.GLYPHS),)
