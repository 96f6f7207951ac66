"""Workbooks: cells as Excel shows them, nothing that it hides, and what it never computed is told."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing.excel.cells import shown
from docmill.tasks.sources.parsing.missed import Why
from docmill.tasks.sources.parsing.picture import pixels
from tests.support.bombs import sheet
from tests.support.documents import PACKAGE, RELATIONS, replaced, xlsx
from tests.support.scans import INVOICE, file, page

EUROS = '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-'


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (0.19, "0%", "19%"),
        (0.075, "0.0#%", "7.5%"),
        (1067, "00000", "01067"),
        (1234567890, "(000) 000-0000", "(123) 456-7890"),
        (1234.5, EUROS, "1234.50 €"),
        (-75.2, EUROS, "-75.20 €"),
        (0, EUROS, "- €"),
        (-75.2, "[$$-409]#,##0.00;[Red]-[$$-409]#,##0.00", "-$75.20"),
        (-5, "0.00_);(0.00)", "(5.00)"),
        (12, '"CHF" 0.00', "CHF 12.00"),
        (0.1 + 0.2, "0.00", "0.30"),
        (2.675, "0.00", "2.68"),
        (-0.001, "0.00", "0.00"),
        (1234567, '0.0,,"M"', "1.2M"),
        (3, 'General" kg"', "3 kg"),
        (3, '"a;b"0', "a;b3"),
        (5, ";;;", ""),
        (1.5, "General", "1.5"),
        (12345, "0.00E+00", "12345"),
        (0.5, "# ?/?", "0.5"),
        (7, "@", "7"),
        (True, "0%", "TRUE"),
        (timedelta(hours=37, minutes=30), "[h]:mm", "37:30"),
        (timedelta(minutes=-90), "[h]:mm:ss", "-1:30:00"),
        (timedelta(minutes=90), "[mm]:ss", "90:00"),
        ("a_x000D_\nb_x005F_x", "General", "a b_x"),
    ],
)
def test_a_value_is_written_as_its_format_shows_it(value: Any, number_format: str, text: str):
    assert shown(value, number_format) == text


@given(st.decimals(-(10**9), 10**9, places=4), st.integers(0, 4))
def test_a_number_is_rounded_to_the_places_of_its_format(value: Decimal, places: int):
    written = shown(float(value), "#,##0." + "0" * places if places else "0")
    assert abs(Decimal(written) - value) <= Decimal("0.50001") / 10**places
    assert len(written.partition(".")[2]) == places


@given(st.floats() | st.integers(), st.text('0#?.,%;"\\[]$_*@-E+/() €Gg', max_size=20))
def test_any_format_writes_any_number(value: float, number_format: str):
    assert isinstance(shown(value, number_format), str)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e300, 10**400])
@pytest.mark.parametrize("number_format", ["0", "0.00", "0" + "%" * 200, "0000-0000"])
def test_a_number_beyond_what_the_program_holds_is_written_all_the_same(value: float, number_format: str):
    assert shown(value, number_format)


def _saved(change: Any) -> bytes:
    """Write a workbook of two columns and two rows that `change` was done to."""
    workbook = openpyxl.Workbook()
    page: Worksheet = workbook.active
    for row in (["Item", "Price"], ["Pen", 7]):
        page.append(row)
    change(workbook, page)
    buffer = BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _hide_row(_: Any, page: Any) -> None:
    page.row_dimensions[2].hidden = True


def _hide_column(_: Any, page: Any) -> None:
    page.column_dimensions["A"].hidden = True


def _hide_sheet(workbook: Any, _: Any) -> None:
    secret = workbook.create_sheet("Cost")
    secret.append([571])
    secret.sheet_state = "veryHidden"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_hide_row, "## Sheet\n\nItem\tPrice\n\n(hidden rows, left out)"),
        (_hide_column, "## Sheet\n\nPrice\n7\n\n(hidden columns, left out)"),
        (_hide_sheet, "## Sheet\n\nItem\tPrice\nPen\t7\n\n## Cost\n\n(hidden sheet, left out)"),
    ],
)
def test_what_is_hidden_is_left_out_and_the_text_says_so(change: Any, text: str):
    read = parsed(_saved(change), "a.xlsx")
    assert (read.text, read.unread) == (text, ())


def test_formulas_without_a_saved_value_are_told():
    rows = '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><f>1+1</f></c>'
    rows += '<c r="C1" t="str"><f>""</f><v></v></c></row>'
    assert parsed(sheet(rows), "a.xlsx").unread == (("sheet A, B1", Why.UNSAVED),)


def _with_drawing(drawing: str, **others: bytes) -> bytes:
    rels = f'<Relationships xmlns="{PACKAGE}/relationships">{{}}</Relationships>'
    relation = f'<Relationship Id="r1" Type="{RELATIONS}/{{}}" Target="{{}}"/>'
    draw = "http://schemas.openxmlformats.org/drawingml/2006"
    names = f'xmlns:x="{draw}/spreadsheetDrawing" xmlns:a="{draw}/main"'
    return replaced(
        xlsx({"A": [["text"]]}),
        {
            "xl/worksheets/_rels/sheet1.xml.rels": rels.format(
                relation.format("drawing", "../drawings/d.xml")
            ),
            "xl/drawings/d.xml": f"<x:wsDr {names}>{drawing}</x:wsDr>",
            "xl/drawings/_rels/d.xml.rels": rels.format(relation.format("image", "../media/i.png")),
            "xl/media/i.png": others.get("image", b""),
        },
    )


def test_the_text_of_boxes_is_read_behind_the_rows():
    box = "<x:sp><a:p><a:r><a:t>Paid in </a:t></a:r><a:r><a:t>cash</a:t></a:r></a:p></x:sp>"
    assert parsed(_with_drawing(box), "a.xlsx").text == "## A\n\ntext\n\nPaid in cash"


@pytest.mark.parametrize(("side", "told"), [(900, True), (90, False)])
def test_a_picture_as_large_as_a_page_is_told(side: int, told: bool):
    image = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + side.to_bytes(4) * 2
    unread = parsed(_with_drawing("", image=image), "a.xlsx", "off").unread
    assert unread == ((("sheet A, picture i.png", Why.PICTURE),) if told else ())


@pytest.mark.slow
def test_a_large_picture_on_a_sheet_is_read_behind_the_rows():
    text, _, unread, [seen], _ = parsed(_with_drawing("", image=file(page(dpi=200))), "a.xlsx")
    assert (text, unread) == ("## A\n\ntext\n\n" + "\n".join(INVOICE).replace("\t\t", "\t"), ())
    assert (seen.part, text[seen.start : seen.start + 7]) == ("sheet A, picture i.png", "Invoice")


def test_a_strict_workbook_is_read():
    names = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    strict = "http://purl.oclc.org/ooxml/spreadsheetml/main"
    book = xlsx({"A": [["Sum", 5]]})
    parts = ("xl/workbook.xml", "xl/worksheets/sheet1.xml")
    with ZipFile(BytesIO(book)) as archive:
        changed = {name: archive.read(name).decode().replace(names, strict) for name in parts}
    relations = "http://purl.oclc.org/ooxml/officeDocument/relationships"
    changed = {name: part.replace(RELATIONS, relations) for name, part in changed.items()}
    assert parsed(replaced(book, changed), "a.xlsx").text == "## A\n\nSum\t5"


@pytest.mark.parametrize(
    "picture",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\3\x20\0\0\2\x58",
        b"GIF89a\x20\3\x58\2",
        b"BM" + bytes(16) + b"\x20\3\0\0\x58\2\0\0",
        b"\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x11\x08\2\x58\3\x20\3",
    ],
)
def test_the_sides_of_pictures_are_known(picture: bytes):
    assert pixels(picture) == (800, 600)
    assert pixels(b"x") is None
