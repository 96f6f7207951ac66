"""The keys of rows as ids: distinct, printable and short, whatever the keys are."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.sources.keys import MAX_BYTES, Ids, text_of
from tests.support.tickets import POSTGRES, SQLITE, fault, ids, read, rows_of, table

KEYS: list[tuple[Any, str]] = [
    (7, "7"),
    ("a b", "a b"),
    ("", ""),
    (True, "True"),
    (2.5, "2.5"),
    (b"\x00\xff", "00ff"),
    (memoryview(b"\x01"), "01"),
    (date(2026, 1, 2), "2026-01-02"),
    (datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02T03:04:05.000006"),
    (datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T01:00:00+00:00"),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Decimal("10.50"), "10.5"),
    (Decimal("1E+2"), "100"),
]


@pytest.mark.parametrize(("key", "text"), KEYS)
def test_an_id_is_the_keys_text(key: Any, text: str):
    assert Ids().take(key) == (text, None)


POSTGRES_KEYS = {
    "bigint": ("1", "1"),
    "text": ("'x'", "x"),
    "uuid": ("'00000000-0000-0000-0000-000000000001'", "00000000-0000-0000-0000-000000000001"),
    "date": ("'2026-01-02'", "2026-01-02"),
    "timestamptz": ("'2026-01-02 03:00+02'", "2026-01-02T01:00:00+00:00"),
    "timestamp": ("'2026-01-02 03:00'", "2026-01-02T03:00:00"),
    "boolean": ("true", "True"),
    "numeric": ("12345678901234567890.10", "12345678901234567890.1"),
    "bytea": ("'\\x00ff'", "00ff"),
    "jsonb": ("'[1]'", "[1]"),
    "inet": ("'10.0.0.1'", "10.0.0.1"),
    "int[]": ("'{1,2}'", "[1, 2]"),
}


@POSTGRES
@pytest.mark.parametrize("kind", POSTGRES_KEYS)
def test_a_key_of_any_type_is_an_id(database: str, kind: str):
    literal, text = POSTGRES_KEYS[kind]
    query = f"select {literal}::{kind} as id, 's' as subject, 'b' as body"
    assert ids(rows_of(database, query)) == [text]


def test_the_second_row_of_a_key_is_failed(database: str):
    table(database, [("a", "1", ""), ("a", "2", ""), ("b", "3", ""), ("a", "4", "")], key="text")
    first, *_, last = refs = read(rows_of(database))
    assert [ref.document_id for ref in refs] == ["a", "a#2", "b", "a#3"]
    assert first.read().text == "1"
    assert fault(last) == "another row has the id 'a' already: the key must be unique"


def test_rows_of_null_are_counted_from_one(database: str):
    table(database, [(None, "1", ""), (1, "2", ""), (None, "3", "")])
    refs = read(rows_of(database))
    assert [ref.document_id for ref in refs] == ["NULL#1", "1", "NULL#2"]
    assert fault(refs[0]) == "its key is NULL: a row needs a key"


def test_an_id_that_is_taken_is_nobody_elses(database: str):
    table(database, [("a", "", "1"), ("a", "", "2"), ("a#2", "", "3"), ("a", "", "4")], key="text")
    refs = read(rows_of(database))
    assert [ref.document_id for ref in refs] == ["a", "a#2", "a#2#2", "a#3"]
    assert "'a#2' already" in fault(refs[2])


@SQLITE
def test_a_key_of_another_type_than_the_first_is_failed(database: str):
    table(database, [(1, "", "1"), ("x", "", "2"), (1.5, "", "3"), (2, "", "4")], key="")
    refs = read(rows_of(database))
    assert [ref.fault is None for ref in refs] == [True, False, False, True]
    assert fault(refs[1]) == "its key is of the type str, and the first row's of int"


BAD_KEYS = {
    "a NUL": ("a\0b", r"a\x00b", "cannot be printed"),
    "an escape": ("\x1b[2J", r"\x1b[2J", "cannot be printed"),
    "half a character": ("\udc80", r"\udc80", "cannot be printed"),
    "a line end": ("a\nb", r"a\nb", "cannot be printed"),
    "a number of more than 64 bits": (2**63, str(2**63), "64 bits"),
}


@pytest.mark.parametrize(("key", "shown", "said"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_key_that_no_database_takes_is_failed(key: Any, shown: str, said: str):
    document_id, reason = Ids().take(key)
    assert document_id == shown
    assert reason is not None
    assert said in reason


@pytest.mark.parametrize("key", ["ä" * 501, "\0" * 501], ids=["long", "long once it is escaped"])
def test_a_long_key_is_failed_under_a_short_id(key: str):
    taken = Ids()
    document_id, reason = taken.take(key)
    assert reason is not None
    assert len(document_id.encode()) < MAX_BYTES / 2
    assert taken.take(key + "x")[0] != document_id
    assert Ids().take(key)[0] == document_id


def test_a_key_of_a_thousand_bytes_is_taken_as_it_is():
    assert Ids().take("ä" * 500) == ("ä" * 500, None)


def test_spaces_of_all_kinds_are_characters():
    assert Ids().take("a\xa0b\u3000c") == ("a\xa0b\u3000c", None)


keys = st.one_of(
    st.none(),
    st.sampled_from(["a", "a#2", "a#2#2", "a#3", "NULL", "NULL#1", "NULL#2", "", "#2"]),
    st.text(),
    st.integers(),
    st.binary(),
    st.booleans(),
    st.floats(),
    st.decimals(),
    st.datetimes(timezones=st.none() | st.just(UTC)),
)


@given(st.lists(keys, max_size=60))
def test_ids_are_distinct_and_printable_whatever_the_keys_are(given_keys: list[Any]):
    taken = Ids()
    found = [taken.take(key) for key in given_keys]
    assert len({document_id for document_id, _ in found}) == len(given_keys)
    for (document_id, reason), key in zip(found, given_keys, strict=True):
        assert "\0" not in document_id
        assert len(document_id.encode()) <= MAX_BYTES + 10
        assert reason is not None or document_id == text_of(key)
