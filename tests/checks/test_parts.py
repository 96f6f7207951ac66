"""Long texts are cut at places that depend on what stands there."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.checks.parts.dividing import Part, parts
from tests.support.longtexts import long_text, words

TEXT = long_text(50, [], many=30)
pieces = st.lists(
    st.sampled_from(
        ["word ", "Ünïcode 漢字 ", "\n", "\n\n", "\f", "# Title\n", "2.1 Terms\n", "x" * 90, "<document>"]
    )
)


def size(text: str) -> int:
    return len(text.encode())


def divided(text: str, most: int = 4_000) -> list[str]:
    return [text[each.own : each.end] for each in parts(text, most, size, overlap=False)]


@given(pieces, st.integers(8, 400), st.booleans())
def test_parts_fit_and_leave_out_nothing_but_blanks(drawn: list[str], most: int, overlap: bool):
    text = "".join(drawn)
    found = parts(text, most, size, overlap=overlap)
    assert all(size(text[each.start : each.end]) <= most for each in found)
    assert all(each.start <= each.own < each.end for each in found)
    ends = [0, *(each.end for each in found)]
    begins = [*(each.own for each in found), len(text)]
    assert not "".join(text[end:begin] for end, begin in zip(ends, begins, strict=True)).strip()


def test_a_text_that_fits_is_one_part():
    assert parts("a\n\nb", 100, size, overlap=True) == [Part(0, 0, 4)]


def test_headings_come_before_pages_and_paragraphs():
    text = "\n\n".join([words(random.Random(1), 60), "# Second", words(random.Random(2), 60)])
    assert divided(text, size(text) - 1)[1].startswith("# Second")


def test_pages_come_before_paragraphs():
    chance = random.Random(1)
    text = "\f".join("\n\n".join(words(chance, 30) for _ in range(3)) for _ in range(2))
    assert divided(text, size(text) - 1) == text.replace("\f", "\f\0").split("\0")


def test_page_starts_are_pages_without_form_feeds():
    chance = random.Random(1)
    first, second = ("\n\n".join(words(chance, 30) for _ in range(3)) for _ in range(2))
    text = f"{first}\n{second}"
    [_, found] = parts(text, size(text) - 1, size, (0, len(first) + 1), overlap=False)
    assert found.own == len(first) + 1


@pytest.mark.parametrize("blank", ["\n\n", "\r\n\r\n", "\n  \t\n"])
def test_paragraphs_come_before_lines(blank: str):
    chance = random.Random(3)
    first, second = ("\n".join(words(chance, 12) for _ in range(6)) for _ in range(2))
    text = f"{first}{blank}{second}"
    assert divided(text, size(text) - 1) == [f"{first}{blank}", second]


def test_what_has_no_line_is_cut_at_sentences():
    found = divided(words(random.Random(1), 400), 600)
    assert all(each.rstrip().endswith(".") for each in found)


@pytest.mark.parametrize("at", [0, len(TEXT) // 3, len(TEXT) - 1])
def test_an_insertion_changes_the_parts_around_it_alone(at: int):
    place = TEXT.rfind("\n\n", 0, at + 1) + 2 if at else 0
    changed = TEXT[:place] + words(random.Random(99), 80) + "\n\n" + TEXT[place:]
    before, after = divided(TEXT), divided(changed)
    assert len(before) >= 20
    assert len(set(after) - set(before)) <= 2


def test_an_edited_word_changes_its_own_part_alone():
    before = divided(TEXT)
    middle = before[len(before) // 2]
    at = TEXT.index(middle) + len(middle) // 2
    after = divided(TEXT[:at] + "§" + TEXT[at + 1 :])
    assert len(set(after) - set(before)) == 1


def test_a_part_begins_with_the_end_of_the_one_before():
    found = parts(TEXT, 4_000, size, overlap=True)
    assert all(before.own < after.start < after.own == before.end for before, after in pairwise(found))
    assert all(size(TEXT[each.start : each.own]) <= 250 for each in found)
