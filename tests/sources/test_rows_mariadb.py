"""Rows of MariaDB, by its dialect for MySQL: values as it writes them, streamed, and never written to."""

import pytest

from docmill.schemas.mark import Mark
from tests.support.mariadb import mariadb
from tests.support.tickets import asked, ids, numbered, read, refusal, rows_of, table, tell

__all__ = ["mariadb"]
pytestmark = pytest.mark.slow


@pytest.fixture
def url(mariadb: str) -> str:
    """Give the URL of the database, without what an earlier test has made."""
    tell(mariadb, "drop table if exists tickets")
    return mariadb


VALUES = {
    "time '10:00:00'": "10:00:00",
    "time '-01:30:00'": "-01:30:00",
    "time '838:59:59'": "838:59:59",
    "cast('10:00:00.5' as time(6))": "10:00:00.5",
    "cast('00:00:00' as time)": "00:00:00",
    "date '2026-01-02'": "2026-01-02",
    "timestamp '2026-01-02 03:04:05'": "2026-01-02 03:04:05",
    "cast(12.30 as decimal(9,2))": "12.30",
    "cast(18446744073709551615 as unsigned)": "18446744073709551615",
    "'ä 100% :sure 😀'": "ä 100% :sure 😀",
    """json_object('a', 1)""": '{"a": 1}',
    "null": "",
}


@pytest.mark.parametrize(("value", "written"), VALUES.items(), ids=VALUES)
def test_values_are_written_as_they_are(url: str, value: str, written: str):
    [ref] = read(rows_of(url, f"select 1 as id, {value} as value", text="={{ value }}"))
    assert ref.text == f"={written}"


def test_a_time_is_a_key(url: str):
    query = "select time '34:05:00' as id union all select time '00:00:01'"
    assert ids(rows_of(url, query, text="{{ id }}")) == ["34:05:00", "00:00:01"]


def test_rows_are_streamed_and_ended_when_nobody_wants_more(url: str):
    table(url, numbered(20_000), key="bigint")
    source = rows_of(url, "select * from tickets order by id")
    with source.opened() as refs:
        assert [next(refs).document_id for _ in range(3)] == ["1", "2", "3"]
    assert len(ids(source)) == 20_000


def test_nothing_is_written(url: str):
    table(url, numbered(2), key="bigint")
    assert "rows.query" in refusal(rows_of(url, "delete from tickets"))
    assert asked(url, "select count(*) from tickets") == [(2,)]


def test_rows_below_a_mark_are_not_read(url: str):
    table(url, numbered(3), key="bigint")
    tell(url, "update tickets set subject = concat('2026-01-0', id)")
    declared = rows_of(url)._declared.model_copy(update={"since": "subject"})
    source = type(rows_of(url))(declared)
    assert ids(source.since(lambda: Mark(kind="str", text="2026-01-02"))) == ["2", "3"]
