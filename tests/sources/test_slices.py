"""Pages of a document as documents: each page in one of them, with what was told of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.document import Document, Recognized, Unread
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.missed import Why
from docmill.tasks.sources.parsing.text import paged
from docmill.tasks.sources.slices import page_texts, pages


def made(*texts: str, **others: object) -> Document:
    """Make a document of pages."""
    text, starts, *_ = paged(texts)
    known = {"document_id": "a.pdf", "uri": "file:///a.pdf", "content_sha256": "h", "text": text}
    return Document.model_validate({**known, "page_starts": starts, "is_paged": True, **others})


@given(st.lists(st.sampled_from(["", "one", "two\n\nthree", "ä"]), min_size=1, max_size=8), st.data())
def test_divided_pages_have_the_text_of_all_and_no_other(texts: list[str], data: st.DataObject):
    document = made(*texts)
    assert page_texts(document) == texts
    first = data.draw(st.integers(1, len(texts)))
    last = data.draw(st.integers(first, len(texts)))
    if not any(texts[first - 1 : last]):
        with pytest.raises(Unreadable):
            pages(document, first, last)
        return
    part = pages(document, first, last)
    assert page_texts(part) == texts[first - 1 : last]
    assert part.text == "\n\n".join(filter(None, texts[first - 1 : last]))
    assert part.first_page == first


def test_what_was_told_of_pages_goes_with_them_and_what_was_told_of_the_file_with_each():
    unread = [{"part": part, "why": "w"} for part in ("page 1", "page 3", "file b.xml")]
    document = made("one", "two", "three", unread=unread)
    assert [each.part for each in pages(document, 2, 3).unread] == ["page 3", "file b.xml"]
    assert pages(document, 2, 2).unread == (Unread(part="file b.xml", why="w"),)


def test_what_was_recognized_keeps_its_place_and_pictures_go_with_their_pages():
    seen = [
        Recognized(part=f"page {n}", confidence=0.9, start=s, end=e) for n, s, e in ((2, 5, 8), (3, 10, 15))
    ]
    unsure = {"part": "page 1", "why": Why.UNSURE}
    document = made("one", "two", "three", recognized=seen, unread=[unsure], pictures=("p1", "p2", "p3"))
    part = pages(document, 3, 3)
    assert part.recognized == (Recognized(part="page 3", confidence=0.9, start=0, end=5),)
    assert (part.pictures, pages(document, 1, 2).pictures) == (("p3",), ("p1", "p2"))
