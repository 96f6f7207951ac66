"""A set of digests."""

from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.sources.digests import FIRST_SLOTS, Digests

NUMBERS = (
    st.integers(0, 2**64 - 1) | st.integers(0, 3) | st.integers(0, 3).map(lambda each: each * FIRST_SLOTS)
)


@given(st.lists(NUMBERS, max_size=200))
def test_what_is_new_is_told_once(digests: list[int]):
    seen, known = Digests(), set[int]()
    for digest in digests:
        assert seen.add(digest) is ((digest or 1) not in known)
        known.add(digest or 1)
    assert len(seen) == len(known)


def test_it_grows_and_forgets_nothing():
    seen = Digests()
    many = [number * 0x9E3779B97F4A7C15 % 2**64 for number in range(20 * FIRST_SLOTS)]
    assert all(seen.add(each) for each in many)
    assert not any(seen.add(each) for each in many)
