"""Pages as pictures: drawn by a child, with the boxes of texts; what is no page is unreadable."""

import re
from pathlib import Path

import pytest

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.pages import has_pages, picture
from docmill.tasks.sources.parsing.picture import pixels
from docmill.tasks.sources.parsing.reasons import Reason
from tests.support.documents import pdf, shown, stream

ROOT = Path(__file__).parents[2]
TWO = pdf("Cover", "Invoice of Ada Ltd\nNet 60\nTotal 60")


def test_a_page_is_drawn_with_the_box_of_each_text():
    found = picture(TWO, 2, [("Ada Ltd", 0), ("60", 0), ("60", 1), ("Cover", 0)])
    assert found.pages == 2
    width, height = pixels(found.png) or (0, 0)
    assert width / height == pytest.approx(595 / 842, rel=0.01)
    assert max(width, height) == 1400
    [[name], [net], [total], nowhere] = found.boxes
    assert nowhere == ()
    assert name[0] > 60 / 595
    assert name[1] < net[1] < total[1]  # from the top
    assert total[3] - total[1] == pytest.approx(11 / 842, rel=0.5)


def test_a_text_that_stands_less_often_has_its_last_place():
    assert picture(TWO, 2, [("60", 9)]).boxes == picture(TWO, 2, [("60", 1)]).boxes


def test_what_a_page_shows_is_in_the_picture():
    assert picture(TWO, 1, []).png != picture(TWO, 2, []).png


@pytest.mark.parametrize("page", [0, 3, -1])
def test_a_page_that_there_is_not_is_unreadable(page: int):
    with pytest.raises(Unreadable):
        picture(TWO, page, [])


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7 and no more", b"", b"PK\x03\x04"], ids=["cut", "empty", "zip"]
)
def test_what_is_no_pdf_is_unreadable(content: bytes):
    with pytest.raises(Unreadable):
        picture(content, 1, [])
    assert has_pages(content) == content.startswith(b"%PDF")


def test_an_encrypted_pdf_is_said_to_be_that():
    content = (ROOT / "samples" / "damaged" / "salaries 2026 (protected).pdf").read_bytes()
    with pytest.raises(Unreadable, match=re.escape(Reason.ENCRYPTED)):
        picture(content, 1, [])


def test_the_stream_of_a_page_is_not_searched_for_texts_that_it_does_not_show():
    assert picture(TWO, 1, [(stream(shown("Cover")).decode("latin-1").split()[0], 0)]).boxes == ((),)
