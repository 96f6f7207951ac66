"""Rows of a document that stand for no item are told, exactly those, in each form that lists have."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def drawn(many: int, seed: int = 1) -> list[Part]:
    """Draw so many parts, all different."""
    chance = random.Random(seed)
    found: dict[Part, None] = {}
    while len(found) < many:
        name = f"{chance.choice(WORDS)} {chance.choice(KINDS)}"
        found[Part(name, chance.randint(1, 60), chance.randint(100, 9_999))] = None
    return list(found)


@pytest.mark.parametrize("form", FORMS)
@given(parts=LISTS, data=st.data())
@settings(max_examples=40)
def test_what_is_left_out_is_told_and_nothing_else(form: str, parts: list[Part], data: st.DataObject):
    kept = data.draw(st.lists(st.booleans(), min_size=len(parts), max_size=len(parts)))
    lines = [part for part, is_kept in zip(parts, kept, strict=True) if is_kept]
    text = listing(form, parts)
    found = told(text, data.draw(st.permutations(lines)))
    _, written = FORMS[form]
    wanted = [
        " ".join(written(number, part).split())
        for number, (part, is_kept) in enumerate(zip(parts, kept, strict=True), 1)
        if not is_kept
    ]
    assert [" ".join(row.quote.split()) for row in found.rows] == wanted
    assert found.missing == ({"lines": len(wanted)} if wanted else {})
    assert {row.path for row in found.rows} <= {"lines"}
    assert found.repeated == {}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("many", [3, 12, 40, 500, 2_000])
def test_many_rows_are_counted_as_well_as_few(form: str, many: int):
    parts = drawn(many)
    text = listing(form, parts)
    assert told(text, parts).rows == ()
    assert told(text, parts[:1]).missing == {"lines": many - 1}
    assert told(text, parts[:-1]).missing == {"lines": 1}
    assert told(text, [*parts[: many // 2], *parts[many // 2 + 1 :]]).missing == {"lines": 1}
    assert told(text, []).missing == {"lines": many}
    assert told(text, None).missing == {"lines": many}
