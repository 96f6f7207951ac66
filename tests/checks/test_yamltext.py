"""YAML as people write it: plain data with places, and all else refused by ConfigError."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.yamltext import MAX_BYTES, read

CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff")
TEXTS = st.text(CHARACTERS, max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
PIECES = [*"ab01:-?[]{}&*!|>'\"%#,.~<=\n\t ", "!!", "&a ", "*a", "<<: ", ".inf", "0x"]
YAML = st.lists(st.sampled_from(PIECES)).map("".join)
one_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def refusal(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read(path)
    return str(caught.value).removeprefix(str(path))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.yaml"


@one_file
@given(st.dictionaries(TEXTS, VALUES, max_size=3), st.sampled_from([None, 1]))
def test_json_is_read_as_the_data_that_it_is(path: Path, value: Any, indent: int | None):
    """YAML 1.2 takes JSON in."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent), encoding="utf-8")
    assert repr(read(path).data) == repr(value)


@one_file
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3))
def test_a_place_is_where_its_key_stands(path: Path, value: Any):
    written = json.dumps(value, ensure_ascii=False, indent=1)
    path.write_text(written, encoding="utf-8")
    text = read(path)
    for at in places(value):
        line, column = map(int, text.place(at).removeprefix(f"{path}:").split(":"))
        if isinstance(at[-1], str):
            assert written.split("\n")[line - 1][column - 1 :].startswith(
                json.dumps(at[-1], ensure_ascii=False)
            )


def places(value: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in inner for place in [(*above, key), *places(each, (*above, key))]]


@one_file
@given(st.binary() | YAML.map(str.encode))
@example(b"a: !!bool x")
@example(b"a: !!int x")
@example(b"? : b")
@example(b"a: " + b"9" * 5000)
def test_any_bytes_are_read_or_refused_by_config_error(path: Path, content: bytes):
    path.write_bytes(content)
    try:
        data = read(path).data
    except ConfigError:
        return
    json.dumps(data, allow_nan=False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name: ü".encode("latin-1"), ": not UTF-8 at byte 6: save it as UTF-8"),
        (b"a: 'x", ":1:6: a quotation mark is not closed"),
        (
            b"a: b: c",
            ":1:5: a colon stands where no key can: the line is indented too far, or "
            "a text with a colon needs quotes",
        ),
        (b"? [a]\n: b", ":1:1: a key must be text, not a list or a mapping"),
        (b'a: "\\0"', ":1:4: holds U+0000 or half of a surrogate pair, which are no characters"),
        (b"a: !!binary aGk=", ":1:4: the tag !!binary is not taken: write plain YAML"),
        (b"a: !!float 'nan'", ":1:4: nan is no number"),
        (b"a: -.INF", ":1:4: -.INF is no number"),
        (b"a:\n  - -1e400", ":2:5: -1e400 is no number"),
        (b"[" * 2000, ": nested too deeply"),
        (b"#" * (MAX_BYTES + 1), f": longer than {MAX_BYTES:,} bytes"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_in_a_sentence(path: Path, content: bytes, said: str):
    assert refusal(path, content) == said


def test_aliases_that_multiply_are_refused_before_they_do(path: Path):
    lines = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 30)]
    content = "a0: &a0 [x]\n" + "".join(lines)
    assert refusal(path, content.encode()) == ": more than 50,000 values when every alias is written out"


def test_yes_and_dates_are_text_and_a_byte_order_mark_is_none(path: Path):
    path.write_bytes(b"\xef\xbb\xbfa: yes\r\nb: 2024-01-31\r\nc: 1:30\r\n")
    assert read(path).data == {"a": "yes", "b": "2024-01-31", "c": "1:30"}


def test_a_place_that_is_not_there_is_that_of_what_would_hold_it(path: Path):
    path.write_text("a: 1\nb:\n  - c: 2\n")
    text = read(path)
    assert text.place(()) == f"{path}:1:1"
    assert text.place(("b", 0, "d")) == f"{path}:3:5"
    assert text.place(("b", 7)) == f"{path}:2:1"


def test_a_missing_file_names_the_nearest_one(tmp_path: Path):
    (tmp_path / "inbox.yaml").touch()
    missing = tmp_path / "inbx.yaml"
    with pytest.raises(ConfigError, match=r"inbx.yaml: there is no such file; did you mean inbox.yaml\?$"):
        read(missing)
    with pytest.raises(ConfigError, match=r"cannot be read: a directory, not a regular file$"):
        read(tmp_path)
