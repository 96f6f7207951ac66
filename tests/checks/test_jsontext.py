"""Strict JSON: what is taken is what was written, and all else is refused before it can do harm."""

import json
import time
from contextlib import nullcontext
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.checks.jsontext import MAX_CHARS, MAX_DEPTH, parse

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(CHARACTERS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(CHARACTERS), inner, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 0, 3]))
def test_what_json_writes_is_read_back_as_it_was(value, ascii_only, indent):
    """Any bounded JSON value survives the way out and in, escaped or not, types included."""
    read = parse(json.dumps(value, ensure_ascii=ascii_only, indent=indent))
    assert repr(read) == repr(value)


@given(st.text())
def test_any_text_is_read_or_refused_by_value_error(text):
    """No text makes another error than ValueError."""
    try:
        parse(text)
    except ValueError:
        return
    json.loads(text)


@given(st.dictionaries(st.text(CHARACTERS, min_size=1), st.integers(0, 9), min_size=1), st.data())
def test_a_key_written_twice_is_refused_by_name(members, data):
    """Which of two values was meant nobody knows, wherever the second stands."""
    twice = data.draw(st.sampled_from(list(members)))
    pairs = data.draw(st.permutations([*members.items(), (twice, 0)]))
    written = ", ".join(f"{json.dumps(key)}: {value}" for key, value in pairs)
    with pytest.raises(ValueError, match="duplicate key") as caught:
        parse(f'[{{"a": {{{written}}}}}]')
    assert repr(twice[:80]) in str(caught.value)


def test_a_key_is_the_same_however_it_is_escaped():
    """An escape makes no other key of it; another case does."""
    with pytest.raises(ValueError, match="duplicate key 'a'"):
        parse(r'{"a": 1, "\u0061": 2}')
    assert parse('{"a": 1, "A": 2}') == {"a": 1, "A": 2}


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("form", ["{}", "[{}]", '{{"a": {}}}'])
def test_numbers_that_json_does_not_know_are_refused(name, form):
    """Python's reader takes them, RFC 8259 and databases do not."""
    with pytest.raises(ValueError, match=f"{name} is not JSON"):
        parse(form.format(name))


@pytest.mark.parametrize("digits", ["1e400", "-1e400", "9" * 400 + ".0", "1E+309"])
def test_floats_beyond_a_double_are_refused(digits):
    """A number that would become infinite is refused."""
    with pytest.raises(ValueError, match="too large"):
        parse(digits)


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0, -1])
def test_integers_of_64_bits_are_taken_exactly(number):
    """What BIGINT takes is taken to the last digit."""
    assert parse(str(number)) == number


@pytest.mark.parametrize(
    "digits", [str(2**63), str(-(2**63) - 1), "1" + "0" * 30, "9" * 5000, "-" + "9" * 5000]
)
def test_integers_beyond_64_bits_are_refused(digits):
    """What BIGINT does not take is refused, in a short sentence, without converting thousands of digits."""
    with pytest.raises(ValueError, match="beyond 64 bits") as caught:
        parse(digits)
    assert len(str(caught.value)) < 60


@pytest.mark.parametrize("text", [r'"\u0000"', r'{"\u0000": 1}', r'["a", {"b": "x\u0000y"}]', r'"\\\u0000"'])
def test_the_null_character_is_refused(text):
    """PostgreSQL takes no U+0000, neither in a value nor in a key."""
    with pytest.raises(ValueError, match=r"U\+0000"):
        parse(text)


@pytest.mark.parametrize("text", [r'"\\u0000"', r'"\\\\u0000"', r'"u0000"', r'{"\\u0000": "\\"}'])
def test_text_about_the_null_character_is_taken(text):
    """A backslash followed by u0000 is text like any other."""
    assert parse(text) == json.loads(text)


@pytest.mark.parametrize(
    "text", [r'"\ud800"', r'"\udc00 x"', r'{"\ud83d": 1}', r'["\ude00\ud83d"]', '"\ud800"']
)
def test_half_of_a_surrogate_pair_is_refused(text):
    """It cannot be encoded, so it cannot be stored."""
    with pytest.raises(ValueError, match="surrogate pair"):
        parse(text)


def test_a_whole_surrogate_pair_is_one_character():
    """An escaped emoji is that emoji."""
    assert parse(r'"\ud83d\ude00"') == "😀"


@pytest.mark.parametrize(
    ("opening", "closing", "most"),
    [("[", "]", MAX_DEPTH), ('{"a":', "}", MAX_DEPTH), ('[{"a":', "}]", MAX_DEPTH // 2)],
)
def test_depth_is_bounded(opening, closing, most):
    """The deepest that is taken has MAX_DEPTH levels; far beyond it nothing crashes either."""
    parse(opening * most + "0" + closing * most)
    for beyond in (most + 1, 1000, 100_000):
        with pytest.raises(ValueError, match="nested deeper than 64"):
            parse(opening * beyond + "0" + closing * beyond)


def test_length_is_bounded():
    """A text beyond MAX_CHARS is refused unread."""
    assert parse(json.dumps("x" * (MAX_CHARS - 2)))
    with pytest.raises(ValueError, match="longer than 4,000,000 characters"):
        parse(json.dumps("x" * (MAX_CHARS - 1)))


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("", 1, 1), ("{", 1, 2), ('{"a": 1,\n "b" 2}', 2, 6), ("[1 2]", 1, 4), ("'a'", 1, 1), ("{} {}", 1, 4)],
)
def test_broken_syntax_has_a_place(text, line, column):
    """The error knows line and column."""
    with pytest.raises(json.JSONDecodeError) as caught:
        parse(text)
    assert (caught.value.lineno, caught.value.colno) == (line, column)


@given(st.decimals(-1000, 1000, places=2))
def test_floats_are_floats(number):
    """A number with a point is a double, never a Decimal."""
    assert parse(str(number)) == float(Decimal(number))
    assert type(parse(str(number))) is float


ESCAPES = "[" + ",".join(['"\\\\u0000"'] * 300_000) + "]"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("[" + ",".join(["0"] * 1_000_000) + "]", None),
        ("{" + ",".join(f'"{number}":0' for number in range(200_000)) + "}", None),
        ("{" + ",".join(f'"{number}":0' for number in [*range(200_000), 199_999]) + "}", "duplicate key"),
        (ESCAPES, None),
        ("1" * 3_000_000, "beyond 64 bits"),
        ("0." + "1" * 3_000_000, None),
    ],
    ids=["items", "members", "twice", "escapes", "digits", "decimals"],
)
def test_the_largest_texts_are_read_in_seconds(text, refused):
    """No shape of text takes more than linear time."""
    began = time.monotonic()
    with pytest.raises(ValueError, match=refused) if refused else nullcontext():
        parse(text)
    assert time.monotonic() - began < 8


def test_a_number_that_nobody_can_read_is_told_by_its_length():
    assert parse("9" * 4000, unstored=True)
    with pytest.raises(ValueError, match=r"^integer 9{20}… has 5,000 digits$"):
        parse("9" * 5000, unstored=True)
