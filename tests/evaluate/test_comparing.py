"""How values are compared with labels: by their type, or as the pipeline says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.flows.evaluate.comparing import Written, of

CASES: list[tuple[str, Any, Any, bool]] = [
    ("exact", "Ada", "Ada", True),
    ("exact", "Ada", "ada", False),
    ("exact", True, 1, False),
    ("exact", ["a"], ["a"], True),
    ("text", "  Straße\n1 ", "strasse 1", True),
    ("text", "Müller", "Mu\u0308ller", True),
    ("text", "ＡＢＣ", "abc", True),
    ("text", "Ada", "Adam", False),
    ("text", "12", 12, False),
    ("fuzzy", "Thistlewood Nurseries", "Thistlewood Nurserys", True),
    ("fuzzy", "Thistlewood Nurseries", "Quillby Nurseries", False),
    ("fuzzy 0.5", "Thistlewood Nurseries", "Quillby Nurseries", True),
    ("fuzzy 1", "abc", "abd", False),
    ("number", 12, 12.0, True),
    ("number", "1.130,50 €", 1130.5, True),
    ("number", "1,130.50", 1130.5, True),
    ("number", 0.1, "0.10", True),
    ("number", 12, 12.01, False),
    ("number", 12, True, False),
    ("number", "twelve", 12, False),
    ("number 0.01", 12, 12.01, True),
    ("number 0.01", 12, 12.02, False),
    ("number 1%", 200, 202, True),
    ("number 1%", 200, 202.5, False),
    ("date", "31. Januar 2024", "2024-01-31", True),
    ("date", "2024-01-31", "31 January 2024", True),
    ("date", "3/4/2024", "2024-04-03", True),
    ("date", "3/4/2024", "2024-03-04", True),
    ("date", "2024-03-04", "2024-04-03", False),
    ("date", "2024-02-31", "2024-02-31", True),
    ("date", "soon", "2024-01-31", False),
]


@pytest.mark.parametrize(("how", "wanted", "got", "same"), CASES)
def test_values_are_the_same_or_not(how: str, wanted: Any, got: Any, same: bool):
    assert of(how).same(wanted, got) is same


@pytest.mark.parametrize(
    ("how", "cell", "got", "same"),
    [
        ("exact", "12.0", 12, True),
        ("exact", "true", True, True),
        ("exact", "1", True, False),
        ("exact", '["x", "y"]', ["x", "y"], True),
        ("number", "12.50", 12.5, True),
        ("number", "1.130,50", 1130.5, True),
        ("text", "ada", "Ada", True),
        ("date", "31.1.2024", "2024-01-31", True),
    ],
)
def test_a_cell_of_a_table_stands_for_what_its_text_says(how: str, cell: str, got: Any, same: bool):
    assert of(how).same(Written(cell), got) is same


VALUES = st.one_of(st.text(max_size=8), st.integers(-99, 9999), st.booleans(), st.floats(0, 99).map(str))


@given(st.sampled_from(["exact", "text", "date", "number"]), VALUES, VALUES)
def test_values_of_the_same_form_are_the_same(how: str, first: Any, second: Any):
    comparison = of(how)
    if comparison.form(first) == comparison.form(second) and type(first) is type(second):
        assert comparison.same(first, second)


@given(st.sampled_from(["exact", "text", "date", "number", "number 0.5", "fuzzy 0.7"]), VALUES, VALUES)
def test_a_value_is_the_same_as_itself_and_order_does_not_count(how: str, first: Any, second: Any):
    comparison = of(how)
    assert comparison.same(first, first)
    if how != "fuzzy 0.7":
        assert comparison.same(first, second) == comparison.same(second, first)
