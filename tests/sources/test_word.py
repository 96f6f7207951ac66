"""Word documents: what Word shows is read, whatever it is wrapped in, and what cannot be read is told."""

from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing.missed import Why
from docmill.tasks.sources.parsing.word.numbering import figure
from tests.support.documents import RELATIONS, WORD, docx

NAMES = (
    f'xmlns:w="{WORD}" xmlns:r="{RELATIONS}" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:v="urn:schemas-microsoft-com:vml"'
    ' xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'
    ' xmlns:o="urn:schemas-microsoft-com:office:office"'
    ' xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
)


def _run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


def _p(inner: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{inner}</w:p>"


def _file(body: str, **others: str) -> bytes:
    """Write a document; `others` are parts by the kind of their relation."""
    relations = "".join(
        f'<Relationship Id="{kind}" Type="{RELATIONS}/{kind.rstrip("0123456789")}" Target="{kind}.xml"/>'
        for kind in others
    )
    parts = {
        f"word/{kind}.xml": part.replace(">", f" {NAMES}>", 1) if part.startswith("<w:") else part
        for kind, part in others.items()
    }
    # A container that the converter looks through, for the names of the namespaces.
    return docx(body=f"<w:customXml {NAMES}>{body}</w:customXml>", relations=relations, others=parts)


def _text(body: str, **others: str) -> str:
    return parsed(_file(body, **others), "a.docx").text


def _unread(body: str, **others: str) -> tuple[tuple[str, str], ...]:
    return parsed(_file(_p(_run("text")) + body, **others), "a.docx", "off").unread


def _in(name: str, inner: str, given: str = "") -> str:
    return f"<{name} {given}>{inner}</{name}>"


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        (_run("40") + _run("3", '<w:vertAlign w:val="superscript"/>'), "40³"),
        (_in("w:fldSimple", _run("7 May"), 'w:instr="DATE"'), "7 May"),
        (_in("w:bdo", _run("right"), 'w:val="rtl"') + _in("w:smartTag", _run(" tag")), "right tag"),
        ("<w:r><w:t>a</w:t><w:cr/><w:t>b</w:t></w:r>", "a  \nb"),
        (_in("w:ruby", _in("w:rt", _run("kana")) + _in("w:rubyBase", _run("base"))), "base"),
        ('<w:r><w:sym w:font="Wingdings" w:char="F0FE"/><w:t> yes</w:t></w:r>', "☑ yes"),
        ('<w:r><w:sym w:font="Arial" w:char="20AC"/></w:r>', "€"),
        (_run("\uf0a8", '<w:rFonts w:ascii="Wingdings"/>') + _run(" no"), "☐ no"),
        (
            "<m:oMath><m:f><m:num><m:r><m:t>a+1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
            "</m:oMath>",
            "(a+1)/2",
        ),
        (_in("w:customXml", _in("w:future", _run("kept"))), "kept"),
    ],
    ids=[
        "superscript",
        "field",
        "direction",
        "break",
        "ruby",
        "symbol",
        "sign",
        "font",
        "formula",
        "unknown",
    ],
)
def test_what_stands_in_a_paragraph_is_read(inner: str, text: str):
    assert _text(_p(inner)) == text


@pytest.mark.parametrize("checked", ["1", "0"])
def test_a_box_is_read_with_its_tick(checked: str):
    control = f'<w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val="{checked}"/></w14:checkbox></w:sdtPr>'
    control += f"<w:sdtContent>{_run('x')}</w:sdtContent></w:sdt>"
    field = f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:checked w:val="{checked}"/>'
    field += "</w:checkBox></w:ffData></w:fldChar><w:instrText>FORMCHECKBOX</w:instrText>"
    field += '<w:fldChar w:fldCharType="end"/></w:r>'
    box = "☒" if checked == "1" else "☐"
    assert _text(_p(control + _run("one"))) == _text(_p(field + _run("one"))) == f"{box} one"


def test_the_item_that_was_chosen_from_a_list_is_read():
    field = '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/>'
    field += '<w:listEntry w:val="red"/><w:listEntry w:val="blue"/></w:ddList></w:ffData></w:fldChar>'
    field += '<w:instrText>FORMDROPDOWN</w:instrText><w:fldChar w:fldCharType="end"/></w:r>'
    assert _text(_p(field)) == "blue"


@pytest.mark.parametrize(
    "gone",
    [
        _in("w:moveFrom", _run("gone")),
        _run("gone", "<w:vanish/>"),
        _run("gone", '<w:rStyle w:val="Child"/>'),
        "</w:p><w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p>"
        + _run("gone")
        + "</w:p></w:tc></w:tr></w:tbl><w:p>",
    ],
    ids=["moved", "hidden", "hidden by style", "deleted row"],
)
def test_what_word_does_not_show_is_left_out(gone: str):
    styles = '<w:styles><w:style w:type="character" w:styleId="Base"><w:rPr><w:vanish/></w:rPr></w:style>'
    styles += '<w:style w:type="character" w:styleId="Child"><w:basedOn w:val="Base"/></w:style></w:styles>'
    shown = _run("shown", '<w:rStyle w:val="Base"/><w:vanish w:val="0"/>')
    assert _text(_p(gone) + _p(shown), styles=styles) == "shown"


BOX = _in("w:txbxContent", _p(_run("in the box")))


@pytest.mark.parametrize(
    "drawing",
    [
        f"<w:drawing><wp:anchor><a:graphic>{BOX}</a:graphic></wp:anchor></w:drawing>",
        f"<w:pict><v:shape><v:textbox>{BOX}</v:textbox></v:shape></w:pict>",
        f"<mc:AlternateContent><mc:Choice><w:drawing>{BOX}</w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>"
        f"{BOX}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent>",
        "<w:drawing><a:p><a:r><a:t>in the </a:t></a:r><a:r><a:t>box</a:t></a:r></a:p></w:drawing>",
        '<w:pict><v:shape><v:textpath string="in the box"/></v:shape></w:pict>',
    ],
    ids=["drawing", "vml", "both", "shape", "lettering"],
)
def test_the_text_of_boxes_follows_their_paragraph(drawing: str):
    body = _p(_run("before") + f"<w:r>{drawing}</w:r>") + _p(_run("after"))
    assert _text(body).split("\n\n") == ["before", "in the box", "after"]


def test_headers_and_footers_are_read_once_without_page_numbers():
    field = "<w:r><w:instrText> PAGE </w:instrText></w:r>" + _in(
        "w:fldSimple", _run("9"), 'w:instr="NUMPAGES"'
    )
    pages = _p(_run("Page ") + field)
    section = '<w:headerReference r:id="header1" w:type="default"/>'
    section += '<w:headerReference r:id="header2" w:type="first"/>'
    section += '<w:footerReference r:id="footer1"/>'
    body = _p(_run("text")) + _p("", f"<w:sectPr>{section}</w:sectPr>") + f"<w:sectPr>{section}</w:sectPr>"
    headers = {name: f"<w:hdr>{_p(_run(name))}</w:hdr>" for name in ("header1", "header2")}
    footer = f"<w:ftr>{_p(_run('IBAN 7'))}{pages}</w:ftr>"
    assert _text(body, **headers, footer1=footer).split("\n\n") == ["header1", "text", "IBAN 7"]
    titled = body.replace("</w:sectPr>", "<w:titlePg/></w:sectPr>")
    assert _text(titled, **headers, footer1=footer).startswith("header1\n\nheader2\n\ntext")


def _numbering(*levels: tuple[str, str, int], style: str = "") -> str:
    written = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="{start}"/><w:numFmt w:val="{kind}"/>'
        f'<w:lvlText w:val="{text}"/>{style}</w:lvl>'
        for at, (kind, text, start) in enumerate(levels)
    )
    return (
        f'<w:numbering><w:abstractNum w:abstractNumId="0">{written}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
    )


def _item(text: str, level: int = 0) -> str:
    return _p(_run(text), f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>')


@pytest.mark.parametrize(
    ("levels", "items", "text"),
    [
        ([("decimal", "%1.", 1)], [0, 0], "1. x\n2. x"),
        ([("decimal", "%1.", 7)], [0, 0], "7. x\n\n8. x"),
        ([("lowerLetter", "(%1)", 1)], [0, 0], "(a) x\n\n(b) x"),
        ([("upperRoman", "%1.", 3)], [0, 0], "III. x\n\nIV. x"),
        (
            [("decimal", "%1.", 1), ("decimal", "%1.%2", 1)],
            [0, 1, 1, 0, 1],
            "1. x\n\n1.1 x\n\n1.2 x\n\n2. x\n\n2.1 x",
        ),
        ([("bullet", "-", 1)], [0, 0], "- x\n- x"),
    ],
)
def test_lists_have_the_numbers_that_word_shows(
    levels: list[tuple[str, str, int]], items: list[int], text: str
):
    body = "".join(_item("x", level) for level in items)
    assert _text(body, numbering=_numbering(*levels)) == text


def test_a_list_goes_on_behind_a_paragraph_and_headings_have_their_numbers():
    styles = (
        '<w:styles><w:style w:type="paragraph" w:styleId="H"><w:name w:val="heading 1"/></w:style></w:styles>'
    )
    numbering = _numbering(("decimal", "%1.", 1), style='<w:pStyle w:val="H"/>')
    heading = _p(_run("Scope"), '<w:pStyle w:val="H"/>')
    body = heading + _p(_run("text")) + heading
    assert _text(body, numbering=numbering, styles=styles) == "# 1. Scope\n\ntext\n\n# 2. Scope"
    assert _text(_item("a") + _p(_run("text")) + _item("b"), numbering=_numbering(("decimal", "%1.", 1))) == (
        "1. a\n\ntext\n\n2. b"
    )


@given(st.integers(1, 3999))
def test_roman_numbers_are_as_they_are_read(count: int):
    worth = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
    values = [worth[letter] for letter in figure(count, "lowerRoman")]
    assert sum(-one if one < two else one for one, two in zip(values, [*values[1:], 0], strict=True)) == count


def test_a_part_in_another_format_is_read_where_it_stands():
    body = _p(_run("before")) + '<w:altChunk r:id="aFChunk"/>' + _p(_run("after"))
    relation = f'<Relationship Id="aFChunk" Type="{RELATIONS}/aFChunk" Target="part.%s"/>'
    for suffix, part in (("html", "<p>in <b>it</b>"), ("txt", "in **it**"), ("docx", docx("in **it**"))):
        file = docx(
            body=f"<w:customXml {NAMES}>{body}</w:customXml>",
            relations=relation % suffix,
            others={f"word/part.{suffix}": part},
        )
        text, _, unread, *_ = parsed(file, "a.docx")
        assert (text.split("\n\n"), unread) == (["before", "in **it**", "after"], ())
    file = docx(
        body=f"<w:customXml {NAMES}>{body}</w:customXml>",
        relations=relation % "rtf",
        others={"word/part.rtf": "{"},
    )
    assert parsed(file, "a.docx").unread == (("part word/part.rtf", Why.KIND),)


def _picture(wide: float, high: float) -> str:
    """Write a picture of so many centimetres."""
    extent = f'<wp:extent cx="{int(wide * 360_000)}" cy="{int(high * 360_000)}"/>'
    return (
        f'<w:p><w:r><w:drawing><wp:inline>{extent}<a:blip r:embed="x"/></wp:inline></w:drawing></w:r></w:p>'
    )


@pytest.mark.parametrize(
    ("body", "unread"),
    [
        (_picture(16, 22), (("picture 1", Why.PICTURE),)),
        (_picture(5, 2), ()),
        ("<w:p><w:r><w:drawing><c:chart r:id='x'/></w:drawing></w:r></w:p>", (("chart", Why.CHART),)),
        (
            "<w:p><w:r><w:object><o:OLEObject ProgID='Excel.Sheet.12'/></w:object></w:r></w:p>",
            (("embedded Excel.Sheet.12", Why.EMBEDDED),),
        ),
        (
            "<w:p><w:r><w:pict><v:shape style='width:16cm;height:700pt'><v:imagedata/></v:shape></w:pict>"
            "</w:r></w:p>",
            (("picture 1", Why.PICTURE),),
        ),
    ],
    ids=["page", "logo", "chart", "workbook", "old picture"],
)
def test_what_no_program_reads_as_text_is_told(body: str, unread: tuple[tuple[str, str], ...]):
    assert _unread(body) == unread


def test_notes_are_read_as_word_shows_them():
    note = _p(_in("w:fldSimple", _run("2031")) + _run("gone", "<w:vanish/>"))
    notes = f'<w:footnotes><w:footnote w:id="2">{note}'
    body = _p(_run("text") + '<w:r><w:footnoteReference w:id="2"/></w:r>')
    text = _text(body, footnotes=notes + "</w:footnote></w:footnotes>")
    assert "2031" in text
    assert "gone" not in text


PIECES = st.recursive(
    st.text("ab 1é", max_size=4).map(lambda text: f"<w:t>{escape(text)}</w:t>"),
    lambda inner: st.tuples(
        st.sampled_from(
            [
                "p",
                "r",
                "del",
                "ins",
                "sdt",
                "sdtContent",
                "txbxContent",
                "pict",
                "drawing",
                "tbl",
                "tr",
                "tc",
                "x",
            ]
        ),
        st.lists(inner, max_size=4),
    ).map(lambda each: _in(f"w:{each[0]}", "".join(each[1]))),
    max_leaves=12,
)


@given(st.lists(PIECES, max_size=4))
@settings(max_examples=60)
def test_any_body_is_text_or_unreadable(pieces: list[str]):
    try:
        text = _text("".join(pieces))
    except Unreadable:
        return
    assert text.strip() == text != ""
