"""Rows of a document that stand for no item are told, exactly those, in each form that lists have."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.tasks.checks.completeness.missing import completeness
from docmill.tasks.checks.evidence.grounding import Grounds
from tests.support.listings import FORMS, Part, listing, told

WORDS = ("Oak", "Ash", "Elm", "Larch", "Spruce", "Walnut", "Maple", "Birch", "Cedar", "Willow")
KINDS = ("board", "beam", "rail", "lath", "post", "plank", "frame", "panel")
PARTS = st.builds(
    Part,
    st.builds("{} {}".format, st.sampled_from(WORDS), st.sampled_from(KINDS)) | st.sampled_from(WORDS),
    st.integers(1, 60),
    st.integers(100, 9_999),
)
LISTS = st.lists(PARTS, min_size=2, max_size=12, unique=True)
EACH_FORM = pytest.mark.parametrize("form", FORMS)


def drawn(many: int) -> list[Part]:
    """Draw so many parts, all different."""
    chance = random.Random(1)
    found: dict[Part, None] = {}
    while len(found) < many:
        name = f"{chance.choice(WORDS)} {chance.choice(KINDS)}"
        found[Part(name, chance.randint(1, 60), chance.randint(100, 9_999))] = None
    return list(found)


@EACH_FORM
@given(parts=LISTS, data=st.data())
@settings(max_examples=15)
def test_what_is_left_out_is_told_and_nothing_else(form: str, parts: list[Part], data: st.DataObject):
    kept = data.draw(st.lists(st.booleans(), min_size=len(parts), max_size=len(parts)))
    lines = [part for part, is_kept in zip(parts, kept, strict=True) if is_kept]
    found = told(listing(form, parts), data.draw(st.permutations(lines)))
    _, written = FORMS[form]
    wanted = [
        written(number, part).split()
        for number, (part, is_kept) in enumerate(zip(parts, kept, strict=True), 1)
        if not is_kept
    ]
    assert [row.quote.split() for row in found.rows] == wanted
    assert found.missing == ({"lines": len(wanted)} if wanted else {})
    assert {row.path for row in found.rows} <= {"lines"}
    assert found.repeated == {}


@EACH_FORM
@given(part=PARTS, many=st.integers(2, 6), kept=st.integers(0, 6))
@settings(max_examples=10)
def test_equal_rows_are_counted(form: str, part: Part, many: int, kept: int):
    found = told(listing(form, [part] * many), [part] * kept)
    assert sum(found.missing.values()) == max(0, many - kept)
    assert sum(found.repeated.values()) == max(0, kept - many)


@EACH_FORM
@pytest.mark.parametrize("many", [3, 12, 40, 500])
def test_many_rows_are_counted_as_well_as_few(form: str, many: int):
    parts = drawn(many)
    text = listing(form, parts)
    middle = [*parts[: many // 2], *parts[many // 2 + 1 :]]
    for lines, left_out in ((parts, 0), (parts[:1], many - 1), (middle, 1), ([], many), (None, many)):
        assert told(text, lines).missing == ({"lines": left_out} if left_out else {})


@pytest.mark.slow
@EACH_FORM
def test_two_thousand_rows_are_counted(form: str):
    parts = drawn(2_000)
    text = listing(form, parts)
    for lines, left_out in ((parts, 0), (parts[:-1], 1), (parts[:1], 1_999), ([], 2_000)):
        assert told(text, lines).missing == ({"lines": left_out} if left_out else {})


HOSTILE = {
    "bars": "|",
    "rows of bars": "|||\n",
    "quotation marks": '"',
    "lines of quotation marks": '"\n',
    "open objects": '{"a":"',
    "objects": '{"a":1}',
    "columns": "a  a  a  a  a  a  a  a\n",
    "tables without a header": "Item  3\n\nOak  3  4  5\n\n",
    "lists": "- a 1 2\n",
    "labels": "ab: c\nde: 3\n\n",
    "numbers": "oak 1 2 3\n",
    "blanks": "a  ",
}


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_the_time_that_hostile_texts_take_has_a_bound(piece: str):
    small, large = (piece * (size // len(piece)) for size in (300_000, 1_200_000))
    lines = [Part("oak", 3, 100), Part("a", 1, 100)]
    begun = time.process_time()
    told(small, lines)
    between = time.process_time()
    told(large, lines)
    assert time.process_time() - between < 8 * (between - begun) + 1


@pytest.mark.parametrize(
    ("lines", "until", "is_cut"), [(20_000, None, False), (20_001, None, True), (30_000, 99, False)]
)
def test_a_document_of_more_lines_than_are_looked_through_is_told(
    lines: int, until: int | None, is_cut: bool
):
    schema = {"properties": {"lines": {"type": "array", "items": {"type": "string"}}}}
    found = completeness(Grounds("a\n" * lines), {"lines": []}, schema, until)
    assert found.is_cut == is_cut
    assert not completeness(Grounds("a\n" * lines), {}, {"properties": {}}, until).is_cut
