"""Where the documents of a file begin."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.checks import boundaries
from docmill.tasks.checks.boundaries import Range, divided, unlike_whole
from docmill.tasks.checks.page_signs import Said, printed, seen

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


def ranges(texts: list[str], said: Sequence[Said | None]) -> list[Range]:
    """Divide pages into documents."""
    return [(each.first, each.last) for each in divided(texts, said)]


def doubts(texts: list[str], said: Sequence[Said | None]) -> list[tuple[Range, list[tuple[str, str]]]]:
    """Divide pages into documents, with what is in doubt of each."""
    return [
        ((first, last), [(each.part, each.why) for each in told])
        for first, last, told in divided(texts, said)
    ]


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
    said = [Said(begins=True, sender="Ada Ltd"), Said(begins=False, number=1, sender="Bob & Co")]
    assert ranges(["Ada Ltd", "Ada Ltd\nthe 12 things"], said) == [(1, 2)]


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


HEAD = "Ada Ltd\n1 Quay Street\n3 March 2031"
ADA = Said(begins=True, sender="Ada Ltd")


def test_what_follows_the_last_page_by_its_number_is_another_document_and_in_doubt_where_it_goes_on():
    texts = ["Page 1 of 2", "Page 2 of 2", "x", "y"]
    told = [("boundary at page 3", boundaries.PAST_THE_LAST)]
    assert doubts(texts, [FIRST, LATER, LATER, LATER]) == [((1, 2), told), ((3, 4), told)]
    assert doubts(texts[:3], [FIRST, LATER, FIRST]) == [((1, 2), []), ((3, 3), [])]


def test_a_page_with_the_dated_head_of_the_first_and_no_title_goes_on_whatever_is_said():
    texts = [f"{HEAD}\nTo: Bob\nInvoice\nText.", f"{HEAD}\nMore text.", f"{HEAD}\nYet more."]
    assert doubts(texts, [ADA] * 3) == [((1, 3), [])]


@pytest.mark.parametrize(
    ("first", "other", "told"),
    [
        (f"{HEAD}\nInvoice 17", f"{HEAD}\nInvoice 18", []),
        (f"{HEAD}\nInvoice", f"{HEAD.replace('3', '4')}\nmore", []),
        ("Ada Ltd\n1 Quay Street\nInvoice", "Ada Ltd\n1 Quay Street\nmore", []),
        (f"{HEAD}\nInvoice", f"{HEAD}\nInvoice\nx", [("boundary at page 2", boundaries.ALL_AGAIN)]),
    ],
    ids=["another title", "another day", "no date", "all again"],
)
def test_a_head_alone_joins_no_pages(first: str, other: str, told: list[tuple[str, str]]):
    assert doubts([first, other], [ADA, ADA]) == [((1, 1), told), ((2, 2), told)]


@pytest.mark.parametrize(
    ("texts", "of_the_last", "told"),
    [
        (["Page 1 of 3", "Page 3 of 3"], LATER, ("boundary by numbers", boundaries.TOTALS.format(3, 2))),
        (["Page 1", "x"], LATER, ("boundary at page 2", boundaries.NO_NUMBER)),
        (
            ["Ada Ltd\nPage 1", "Bob\nPage 2"],
            Said(False, 2, "Bob"),
            ("boundary at page 2", boundaries.OTHER_SENDER),
        ),
        (["Ada Ltd", "Ada Ltd", "x"], LATER, ("boundary at page 3", boundaries.NO_SENDER)),
    ],
    ids=["a page is missing", "no number any more", "another sender", "no sender any more"],
)
def test_what_does_not_fit_together_is_in_doubt(texts: list[str], of_the_last: Said, told: tuple[str, str]):
    said = [ADA, *[Said(begins=False, sender="Ada Ltd")] * (len(texts) - 2), of_the_last]
    assert doubts(texts, said) == [((1, len(texts)), [told])]


def test_a_reason_within_a_document_is_told_once_and_not_where_its_numbers_add_up():
    assert len(divided(["Page 1", "x", "y"], [FIRST, LATER, LATER])[0].doubts) == 1
    assert doubts(["1 of 3", "x", "3 of 3"], [FIRST, LATER, LATER]) == [((1, 3), [])]
    assert doubts(["1 of 2", "", "2 of 2", ""], [FIRST, None, LATER, None]) == [((1, 4), [])]
