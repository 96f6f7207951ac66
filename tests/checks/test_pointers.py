"""Places in a record: JSON Pointers, and dotted paths."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.checks.pointers import ABSENT, is_within, nodes, path_in, pointer, value_at, with_value

RECORD: dict[str, Any] = {"a": {"b": 1}, "lines": [{"x": 1}, {"x": 2}], "a.b": 3, "c/d~": 4, "": 5, "0": 6}
NAMES = st.text(max_size=3)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ()),
        ("/", ("",)),
        ("/a/b", ("a", "b")),
        ("/c~1d~0", ("c/d~",)),
        ("/0", ("0",)),
        ("/lines/1/x", ("lines", 1, "x")),
        ("lines[1].x", ("lines", 1, "x")),
        ("lines.1.x", ("lines", 1, "x")),
        ("a.b", ("a.b",)),
        ("/lines/-", ("lines", 2)),
        ("lines.-", ("lines", 2)),
        ("new", ("new",)),
    ],
)
def test_a_path_is_read_as_a_pointer_or_dotted(text: str, path: tuple[Any, ...]):
    assert path_in(RECORD, text) == path


@pytest.mark.parametrize(
    "text", ["lines[", "lines..x", ".a", "a[x]", "/lines/x", "/lines/01", "/a/b/c", "lines.x"]
)
def test_what_is_no_path_in_the_record_is_refused(text: str):
    with pytest.raises(ValueError, match=r"is no path|is no number|holds no"):
        path_in(RECORD, text)


@given(VALUES)
def test_every_place_of_a_record_is_found_by_its_pointer(record: Any):
    for path, value in nodes(record):
        assert path_in(record, pointer(path)) == path
        assert value_at(record, path) is value


@given(VALUES, st.data())
def test_a_value_that_is_put_in_a_place_stands_there_and_nothing_else_changes(
    record: Any, data: st.DataObject
):
    path, _ = data.draw(st.sampled_from(list(nodes(record))))
    changed = with_value(record, path, "new")
    assert value_at(changed, path) == "new"
    for other, value in nodes(record):
        apart = not is_within(pointer(other), pointer(path)) and not is_within(pointer(path), pointer(other))
        assert not apart or value_at(changed, other) == value


def test_a_place_behind_the_last_item_adds_one_and_no_other_does():
    assert with_value(RECORD, ("lines", 2), {"x": 3})["lines"] == [{"x": 1}, {"x": 2}, {"x": 3}]
    with pytest.raises(LookupError):
        with_value(RECORD, ("lines", 3), {})
    with pytest.raises(LookupError):
        with_value(RECORD, ("nowhere", "x"), 1)
    assert value_at(RECORD, ("lines", 2)) is ABSENT
