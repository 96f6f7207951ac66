"""Where the documents of a file begin."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.checks.boundaries import Said, begins, printed, ranges, seen, unlike_whole

FIRST, LATER = Said(begins=True), Said(begins=False)
SAID = st.builds(
    Said,
    begins=st.booleans(),
    number=st.none() | st.integers(-1, 12),
    sender=st.none() | st.sampled_from(["Ada Ltd", "Bob & Co", ""]),
    label=st.none() | st.sampled_from(["invoice", "letter"]),
)
PAGES = st.lists(
    st.tuples(
        st.sampled_from(
            ["", "Ada Ltd\nPage 1 of 2", "Bob & Co\n- 2 -", "text 3", "Seite 2/3", "7 of 3", "² ٣"]
        ),
        st.none() | SAID,
    )
)


@given(PAGES)
def test_every_page_is_in_exactly_one_document(pages: list[tuple[str, Said | None]]):
    found = ranges([text for text, _ in pages], [said for _, said in pages])
    assert unlike_whole(found, len(pages)) is None
    assert [number for first, last in found for number in range(first, last + 1)] == list(
        range(1, len(pages) + 1)
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([(1, 2), (4, 4)], r"in none 3\)"),
        ([(1, 2), (2, 4)], r"in two 2\)"),
        ([(3, 4), (1, 2)], r"in another order\)"),
        ([], "in none 1, 2, 3, 4"),
    ],
)
def test_pages_that_do_not_add_up_are_told(found: list[tuple[int, int]], said: str):
    assert re.search(said, unlike_whole(found, 4) or "")


def test_documents_begin_where_the_pages_say_so():
    assert ranges(["a", "b", "c", "d"], [FIRST, LATER, FIRST, LATER]) == [(1, 2), (3, 4)]


def test_the_first_page_begins_a_document_whatever_is_said_of_it():
    assert ranges(["a", "b"], [LATER, LATER]) == [(1, 2)]


def test_a_page_without_text_goes_with_the_one_before_and_the_first_ones_with_the_one_behind():
    assert ranges(["", "", "a", "", "b", ""], [None, None, FIRST, None, FIRST, None]) == [(1, 4), (5, 6)]


def test_pages_without_any_text_are_one_document():
    assert ranges(["", ""], [None, None]) == [(1, 2)]


def test_the_printed_numbers_decide_over_what_is_said():
    texts = ["Page 1 of 2", "Page 2 of 2", "Page 1 of 1"]
    assert ranges(texts, [FIRST, FIRST, LATER]) == [(1, 2), (3, 3)]


def test_a_number_of_another_total_begins_a_document_and_a_page_that_is_missing_does_not():
    texts = ["Page 1 of 4", "Page 3 of 4", "Page 2 of 3"]
    assert ranges(texts, [LATER] * 3) == [(1, 2), (3, 3)]


def test_a_later_number_of_the_same_total_goes_on_whoever_is_said_to_send_it():
    said = [Said(begins=True, sender="Ada Ltd"), Said(begins=True, sender="Bob")]
    assert ranges(["Ada Ltd\nPage 1 of 4", "Bob\nPage 3 of 4"], said) == [(1, 2)]


def test_a_number_that_is_printed_is_not_replaced_by_one_that_is_said():
    assert seen("No 7\ntext\nPage 2 of 3", Said(begins=False, number=7)).number == 2
    assert seen("No 7\ntext", Said(begins=False, number=7)).number == 7


def test_another_sender_begins_a_document():
    said = [
        Said(begins=True, sender="Ada Ltd"),
        LATER,
        Said(begins=False, sender="ADA  ltd"),
        Said(False, None, "Bob"),
    ]
    assert ranges(["Ada Ltd", "x", "y Ada Ltd", "Bob"], said) == [(1, 3), (4, 4)]


def test_another_label_begins_a_document():
    said = [Said(begins=True, label="invoice"), Said(begins=False, label="letter")]
    assert ranges(["a", "b"], said) == [(1, 1), (2, 2)]


def test_a_sender_or_a_number_that_does_not_stand_on_the_page_counts_for_nothing():
    page = seen("Ada Ltd\nthe 12 things", Said(begins=False, number=1, sender="Bob & Co"))
    assert (page.number, page.sender) == (None, "")
    assert not begins(seen("Ada Ltd", Said(begins=True, sender="Ada Ltd")), page)


@pytest.mark.parametrize(
    ("text", "number", "of"),
    [
        ("x\nPage 2 of 3", 2, 3),
        ("Seite 2 von 3\nx", 2, 3),
        ("x\n2/3", 2, 3),
        ("x\n- 2 -", 2, None),
        ("Blatt 2\nx", 2, None),
        ("x\n3/2", None, None),
        ("of 2031", None, None),
        ("1\n2\n3\nPage 4\n5\n6\n7\n8", None, None),
        ("", None, None),
    ],
)
def test_a_printed_number_is_found_at_a_page_s_edge(text: str, number: int | None, of: int | None):
    assert printed(text) == (number, of)
