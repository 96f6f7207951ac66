"""Word and Excel: what is written comes out, and what is only attached, linked or computed does not."""

from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing.reasons import Reason
from tests.support.bombs import sheet
from tests.support.documents import PACKAGE, docx, replaced, xlsx, zipped


def _run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def _styled(style: str, text: str) -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{_run(text)}</w:p>'


def _table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<w:tc><w:p>{_run(cell)}</w:p></w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def _reason(content: bytes, name: str) -> str:
    with pytest.raises(Unreadable) as raised:
        parsed(content, name)
    return str(raised.value)


def test_a_word_document_becomes_markdown():
    styles = '<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="heading 1"/></w:style>'
    names = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = (
        _styled("Heading1", "Invoice")
        + f"<w:p>{_run('Total: ')}{_run('5 €', '<w:b/>')}</w:p>"
        + _table(("Item", "Price"), ("Pen", "5"))
    )
    file = docx(body=body, others={"word/styles.xml": f'<w:styles xmlns:w="{names}">{styles}</w:styles>'})
    assert parsed(file, "a.docx")[:3] == (
        "# Invoice\n\nTotal: **5 €**\n\n| Item | Price |\n| --- | --- |\n| Pen | 5 |",
        (),
        (),
    )


def test_deleted_and_commented_text_is_left_out():
    deleted = "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
    body = f"<w:p>{_run('stays')}{deleted}<w:ins>{_run(' new')}</w:ins></w:p>"
    assert parsed(docx(body=body), "a.docx").text == "stays new"


def test_sheets_have_their_name_and_their_rows():
    file = xlsx(
        {"Items": [["Item", "Price"], ["Pen", 1130.5], [], [None, "x\ny"]], "None": [], "More": [["z"]]}
    )
    text, starts, _, *_ = parsed(file, "a.xlsx")
    assert text == "## Items\n\nItem\tPrice\nPen\t1130.5\n\tx y\n\n## More\n\nz"
    assert [text[start:].split("\n")[0] for start in starts] == ["## Items", "## More", "## More"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (date(2026, 5, 6), "2026-05-06"),
        (datetime(2026, 5, 6), "2026-05-06"),
        (datetime(2026, 5, 6, 7, 8, 9), "2026-05-06 07:08:09"),
        (time(7, 8), "07:08:00"),
        (0.1 + 0.2, "0.3"),
        (1e6, "1000000"),
        (12345678901, "12345678901"),
        (True, "TRUE"),
        ("  a\tb ", "a b"),
    ],
)
def test_cells_are_written_as_they_are_seen(value: Any, shown: str):
    assert parsed(xlsx({"S": [["x", value, "y"]]}), "a.xlsx").text == f"## S\n\nx\t{shown}\ty"


def test_a_sheet_is_read_whole_whatever_size_it_says():
    rows = (
        '<row r="1"><c r="A1"><v>1</v></c><c r="C1"><v>2</v></c></row><row r="9"><c r="B9"><v>3</v></c></row>'
    )
    assert parsed(sheet(rows), "a.xlsx").text == "## A\n\n1\t\t2\n\t3"


def test_a_formula_has_the_value_that_was_saved():
    rows = '<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1"><f>WEBSERVICE("http://x")</f></c></row>'
    assert parsed(sheet(rows), "a.xlsx").text == "## A\n\n2"


@pytest.mark.parametrize(
    ("file", "name"), [(docx(""), "a.docx"), (docx(), "a.docx"), (xlsx({"A": [], "B": [[None]]}), "a.xlsx")]
)
def test_a_file_without_text_has_a_reason(file: bytes, name: str):
    assert _reason(file, name) == Reason.EMPTY


@pytest.mark.parametrize("whole", [docx("text"), xlsx({"A": [["text"]]})], ids=["docx", "xlsx"])
def test_a_damaged_file_has_a_reason(whole: bytes):
    for cut in (5, 100, len(whole) // 2, len(whole) - 30):
        assert _reason(whole[:cut], "a") == Reason.DAMAGED
    name = "word/document.xml" if b"word/" in whole else "xl/workbook.xml"
    assert _reason(replaced(whole, {name: "<no"}), "a") == Reason.DAMAGED


def test_a_file_with_macros_is_read_without_them():
    main = "application/vnd.ms-word.document.macroEnabled.main+xml"
    types = (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" '
        'ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/></Types>'
    )
    file = replaced(docx("text"), {"[Content_Types].xml": types, "word/vbaProject.bin": b"Shell"})
    assert parsed(file, "a.docm").text == "text"


def test_an_archive_with_a_password_is_said_to_be_encrypted():
    archive = bytearray(zipped({"a.txt": "x"}))
    at = archive.index(b"PK\x01\x02")
    archive[at + 8] |= 1
    assert _reason(bytes(archive), "a.docx") == Reason.ENCRYPTED


@given(
    st.lists(st.lists(st.none() | st.integers(-9, 9) | st.text("ab é\n", max_size=5), max_size=4), max_size=5)
)
@settings(max_examples=40)
def test_every_value_of_a_sheet_is_in_its_text(rows: list[list[Any]]):
    values = [str(value).split() for row in rows for value in row if str(value or "").strip() or value == 0]
    try:
        text = parsed(xlsx({"S": rows}), "a.xlsx").text
    except Unreadable:
        text = ""
    assert text.removeprefix("## S").split() == [word for value in values for word in value]
