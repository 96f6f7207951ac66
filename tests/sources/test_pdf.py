"""PDF: the text of its pages, where each begins, and the reason where there is none."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.files import listed
from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing import pool
from docmill.tasks.sources.parsing.reasons import Reason
from docmill.tasks.sources.parsing.text import cleaned, paged
from tests.support.documents import pdf, pdf_of, shown, stream

ROOT = Path(__file__).parents[2]


def _reason(content: bytes) -> str:
    with pytest.raises(Unreadable) as raised:
        parsed(content, "a.pdf")
    return str(raised.value)


def test_pages_and_their_lines_come_in_order():
    text, starts, _, *_ = parsed(pdf("Invoice 7\nTotal (net): 1.130,50 €", "Grüße"), "a.pdf")
    assert text == "Invoice 7\nTotal (net): 1.130,50 €\n\nGrüße"
    assert [text[start:] for start in starts] == [text, "Grüße"]


def test_a_hyphen_at_the_end_of_a_line_is_kept_with_its_line_end():
    """PDFium leaves both out; a reference may have a hyphen there."""
    assert parsed(pdf("number RE-\n2026-04"), "a.pdf").text == "number RE-\n2026-04"


def test_what_is_filled_into_a_form_is_read():
    """It stands in annotations, which no text of a page contains."""
    font = b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    value = stream(
        b"BT /F1 11 Tf 2 4 Td (Ann Example) Tj ET",
        b"/Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << %s >>" % font,
    )
    field = b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /Rect [100 775 300 795]"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Annots [5 0 R]"
    file = pdf_of(
        [
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [5 0 R] >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page + b" /Resources << %s >> >>" % font,
            stream(shown("Name:")),
            field + b" /AP << /N 6 0 R >> /F 4 >>",
            value,
        ]
    )
    assert parsed(file, "a.pdf").text == "Name:\nAnn Example"


def test_a_page_without_text_begins_where_the_next_one_does():
    text, starts, _, *_ = parsed(pdf("", "one", "", "", "two", ""), "a.pdf")
    assert text == "one\n\ntwo"
    assert starts == (0, 0, 5, 5, 5, 8)


def test_the_document_has_its_page_starts(tmp_path: Path):
    (tmp_path / "a.pdf").write_bytes(pdf("one", "two"))
    [ref] = listed(["*"], tmp_path)
    assert ref.read().page_starts == (0, 5)


@pytest.mark.parametrize("pages", [("",), ("", " ", "")])
def test_a_pdf_without_text_is_said_to_be_scanned(pages: tuple[str, ...]):
    with pytest.raises(Unreadable, match=re.escape("no text (scanned?)")):
        parsed(pdf(*pages), "a.pdf", "off")


def test_an_encrypted_pdf_is_said_to_be_that():
    content = (ROOT / "samples" / "damaged" / "salaries 2026 (protected).pdf").read_bytes()
    assert _reason(content) == Reason.ENCRYPTED


def test_a_damaged_pdf_is_said_to_be_that():
    whole = pdf("a")
    for cut in (9, 40, 200):
        assert _reason(whole[:cut]) == Reason.DAMAGED
    catalogue = b"<< /Type /Catalog /Pages 2 0 R >>"
    gone = b"<< /Type /Pages /Kids [3 0 R 9 0 R] /Count 2 >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>"
    assert _reason(pdf_of([catalogue, gone, page, stream(b"")])) == Reason.DAMAGED


@given(st.lists(st.text("ab (\\)\n", max_size=40), min_size=1, max_size=8))
@settings(max_examples=60)
def test_every_page_stands_where_it_begins(pages: list[str]):
    """From its start to the next one a page has its own characters; PDFium may join lines of one."""
    try:
        text, starts, _, *_ = parsed(pdf(*pages), "a.pdf")
    except Unreadable:
        assert not "".join(pages).strip()
        return
    assert len(starts) == len(pages)
    between = [text[start:end] for start, end in zip(starts, (*starts[1:], len(text)), strict=True)]
    assert "".join(between) == text
    assert ["".join(part.split()) for part in between] == ["".join(page.split()) for page in pages]


@given(
    st.lists(
        st.text(st.sampled_from("a \t\n\r\f\v\0\x85\u00a0\ufeff\ud800é😀"), max_size=9),
        min_size=1,
        max_size=9,
    )
)
def test_page_starts_are_exact_after_cleaning(pages: list[str]):
    """Whatever is left out of a text, an offset still leads to its page."""
    text, starts, _, *_ = paged(pages)
    assert text == cleaned(text).strip()
    assert list(starts) == sorted(starts)
    ends = (*starts[1:], len(text))
    assert [text[start:end].strip() for start, end in zip(starts, ends, strict=True)] == [
        cleaned(page).strip() for page in pages
    ]


@pytest.mark.slow
def test_a_fresh_child_and_a_used_one_give_the_same_text():
    documents = [pdf(f"document {number}", "ä" * number) for number in range(9)]
    used = [parsed(each, "a.pdf") for each in documents]
    fresh = []
    for each in reversed(documents):
        pool.close()
        fresh.append(parsed(each, "a.pdf"))
    assert used == fresh[::-1]
