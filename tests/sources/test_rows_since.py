"""`since`: of a query's rows those at or above a mark, and the mark that a reading comes to."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects import mysql, sqlite

from docmill.schemas.mark import Mark, Value
from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.high_water import HighWater, quoting
from docmill.tasks.sources.rows import Rows
from tests.support.tickets import POSTGRES, ids, numbered, refusal, table, tell

UNSET = "update tickets set subject = null where id = 2"


def rows_of(url: str, query: str = "select * from tickets order by id; ", **keys: Any) -> Rows:
    return Rows(
        Declared.model_validate(
            {"url": url, "query": query, "key": "id", "text": "{{ id }}", "since": "id", **keys}
        )
    )


def marked(source: Rows) -> Mark | None:
    with source.opened() as refs:
        list(refs)
        return source.mark()


def test_rows_below_the_mark_are_not_read(database: str):
    table(database, numbered(12))
    source = rows_of(database)
    assert marked(source) == Mark(kind="int", text="12")
    assert ids(source.since(lambda: Mark(kind="int", text="9"))) == ["9", "10", "11", "12"]


def test_rows_without_a_value_are_read_every_time(database: str):
    table(database, numbered(3))
    tell(database, "update tickets set subject = '2026-01-0' || id", UNSET)
    source = rows_of(database, since="subject")
    assert ids(source.since(lambda: Mark(kind="str", text="2026-01-03"))) == ["2", "3"]
    assert marked(source) == Mark(kind="str", text="2026-01-03")


@pytest.mark.parametrize("text", ["9", "-1.5", "1e3", "subject 9", "01.02.2026", "it's"])
def test_a_text_that_is_no_iso_date_is_refused(database: str, text: str):
    table(database, [])
    written = text.replace("'", "''")
    said = refusal(rows_of(database, f"select 1 as id, '{written}' as seen", since="seen"))
    assert said.startswith("rows.since: seen: its values are texts, and no ISO dates or times")
    assert said.endswith("cast it in rows.query: seen::bigint")


def test_numerals_of_csv_are_refused_before_rows_are_lost():
    Path("t.csv").write_text("id,at\n,\n9,9\n")
    keys = {"files": "t.csv", "key": "id", "text": "{{ id }}", "since": "id"}
    assert "cast it in rows.query: id::bigint" in refusal(Rows(Declared.model_validate(keys)))
    cast = Rows(Declared.model_validate({**keys, "query": "select id::bigint as id from rows"}))
    assert marked(cast) == Mark(kind="int", text="9")


TEXTS = {
    "a day and its times": (["2026-01-02", "2026-01-02 10:00:00"], "2026-01-02 10:00:00"),
    "two offsets": (["2026-01-02T10:00:00+01:00", "2026-01-02T09:30:00+00:00"], None),
    "with T and without": (["2026-01-02 10:00", "2026-01-02T09:00"], None),
    "a text behind dates": (["2026-01-02", "x"], None),
    "a number behind dates": (["2026-01-02", 3], None),
    "numbers that are not finite": ([1.5, math.nan, Decimal("NaN"), math.inf, -math.inf, 2.5], "2.5"),
    "a decimal that is none first": ([Decimal("sNaN"), Decimal("Infinity"), Decimal("1.50")], "1.50"),
    "times with and without a zone": ([datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 3)], None),
}


@pytest.mark.parametrize(("values", "text"), TEXTS.values(), ids=TEXTS)
def test_values_that_cannot_be_compared_give_no_mark(values: list[Any], text: str | None):
    water = HighWater("at")
    for value in values:
        water.see(value)
    mark = water.mark()
    assert (mark and mark.text) == text
    assert (water.fault is None) == (text is not None)


EARLIER = [
    Mark(kind="float", text="nan"),
    Mark(kind="Decimal", text="NaN"),
    Mark(kind="str", text="9"),
    Mark(kind="str", text="\\' or 1=1 or '"),
    Mark(kind="int", text="1 or 1=1"),
    Mark(kind="date", text="2026-01-02' or '' = '"),
]


@pytest.mark.parametrize("mark", EARLIER, ids=repr)
def test_a_mark_that_is_no_number_day_or_time_is_none(database: str, mark: Mark):
    table(database, numbered(2))
    assert ids(rows_of(database).since(lambda: mark)) == ["1", "2"]


def test_a_text_is_written_as_its_dialect_does():
    text = "it's 100% \\' or 1"
    assert quoting(mysql.dialect())(text) == "'it''s 100% \\\\'' or 1'"
    assert quoting(sqlite.dialect())(text) == "'it''s 100% \\'' or 1'"


VALUES: dict[str, tuple[Value, str]] = {
    "timestamptz": (
        datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "timestamptz '2026-01-02 05:04:05.000006+02'",
    ),
    "timestamp": (datetime(2026, 1, 2, 3, 4), "timestamp '2026-01-02 03:04:00'"),
    "date": (date(2026, 1, 2), "date '2026-01-02'"),
    "numeric": (Decimal("1.50"), "1.50::numeric"),
    "text": ("2026-01-02T03:04", "'2026-01-02T03:04'::text"),
}


@POSTGRES
@pytest.mark.parametrize(("value", "written"), VALUES.values(), ids=VALUES)
def test_marks_of_every_type_find_their_rows_again(database: str, value: Value, written: str):
    source = rows_of(database, f"select 1 as id, {written} as seen", since="seen")
    mark = marked(source)
    assert mark == Mark.of(value)
    assert ids(source.since(lambda: mark)) == ["1"]


def test_the_query_may_hold_signs_that_drivers_read(database: str):
    table(database, numbered(3))
    query = "select * from tickets where subject like '%ject%' and subject <> ':sure' -- all"
    assert ids(rows_of(database, query).since(lambda: Mark(kind="int", text="3"))) == ["3"]


def test_a_column_that_cannot_be_compared_gives_no_mark():
    Path("t.jsonl").write_text('{"id": 1, "at": 1}\n{"id": 2, "at": "x"}\n')
    keys = {"files": "t.jsonl", "key": "id", "text": "{{ id }}", "since": "at"}
    source = Rows(Declared.model_validate(keys))
    assert marked(source) is None
    assert len(ids(source)) == 2


def test_files_have_marks_too():
    Path("t.csv").write_text("id,at\n1,2026-01-01\n2,2026-01-02\n3,\n")
    keys = {"files": "t.csv", "key": "id", "text": "{{ id }}", "since": "at"}
    source = Rows(Declared.model_validate(keys))
    assert marked(source) == Mark(kind="str", text="2026-01-02")
    assert ids(source.since(lambda: Mark(kind="str", text="2026-01-02"))) == ["2", "3"]


def test_another_column_is_refused(database: str):
    table(database, numbered(1))
    assert refusal(rows_of(database, since="idd")) == (
        "rows.since: the query has no column 'idd'; did you mean id?"
    )


def test_another_source_has_another_hash(database: str):
    one = rows_of(database)
    assert one.sha256() == rows_of(database).sha256()
    assert one.sha256() != rows_of(database, "select * from tickets where id > 0").sha256()
    assert one.sha256() != rows_of(database, text="{{ body }}").sha256()


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
