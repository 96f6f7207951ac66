"""The key column of a typed table, which takes the type of the rows' keys."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, inspect

from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.keys import KeyedInto
from docmill.tasks.sinks.results import Results
from docmill.tasks.sources.keys import text_of
from tests.sinks.test_results import outcome, run, schema
from tests.support.tickets import POSTGRES, asked, numbered, rows_of, table, tell


def keyed(database: str, key: Any) -> Into:
    return KeyedInto(url=database, table="enriched", key="ticket", first_key=lambda: key)


def results_of(database: str, key: Any) -> Results:
    return Results.open(keyed(database, key), "p", schema())


def column_type(database: str) -> str:
    engine = create_engine(database)
    [found] = [each for each in inspect(engine).get_columns("enriched") if each["name"] == "ticket"]
    engine.dispose()
    return str(found["type"])


KEYS: dict[str, tuple[Any, str, str]] = {  # with the column's type in PostgreSQL and in SQLite
    "int": (2**62, "BIGINT", "BIGINT"),
    "str": ("ä b", "TEXT", "TEXT"),
    "bool": (True, "BOOLEAN", "BOOLEAN"),
    "uuid": (UUID(int=7), "UUID", "TEXT"),
    "decimal": (Decimal("12345678901234567890.125"), "NUMERIC", "TEXT"),
    "date": (date(2026, 1, 2), "DATE", "DATE"),
    "a time with a zone": (datetime(2026, 1, 2, 3, tzinfo=UTC), "TIMESTAMP", "DATETIME"),
    "a time without one": (datetime(2026, 1, 2, 3, 4, 5, 6), "TIMESTAMP", "DATETIME"),
    "float": (2.5, "TEXT", "TEXT"),
    "bytes": (b"\x00\xff", "TEXT", "TEXT"),
}


@pytest.mark.parametrize("kind", KEYS)
def test_the_key_column_has_the_keys_type(database: str, kind: str):
    key, *types = KEYS[kind]
    document_id = text_of(key)
    with closing(results_of(database, key)) as results:
        results.write([outcome(document_id), outcome(document_id)], "r1", "s1")
        assert column_type(database) == types["sqlite" in database]
        assert len(asked(database, "select ticket from enriched")) == 1
    with closing(results_of(database, key)) as results:  # its types are those that are there
        results.write([outcome(document_id, typed={})], "r2", "s1")
    assert asked(database, "select ticket from enriched") == []


@POSTGRES
@pytest.mark.parametrize("kind", ["int", "str", "bool", "uuid", "decimal", "date", "a time with a zone"])
def test_postgresql_gives_the_very_key_back(database: str, kind: str):
    key = KEYS[kind][0]
    with closing(results_of(database, key)) as results:
        results.write([outcome(text_of(key))], "r1", "s1")
    assert asked(database, "select ticket from enriched") == [(key,)]


def test_a_source_without_rows_makes_no_table(database: str):
    with closing(results_of(database, None)) as results:
        results.begin(run())
        results.write([outcome(status="failed")], "r1", "s1")
    engine = create_engine(database)
    assert not inspect(engine).has_table("enriched")
    engine.dispose()


def test_keys_of_another_type_than_the_table_has_are_refused(database: str):
    results_of(database, 1).close()
    with pytest.raises(
        ConfigError, match="the key ticket of enriched is BIGINT, and the documents' ids are TEXT"
    ):
        results_of(database, "a")


def test_outcomes_that_have_no_such_key_stay_out_of_a_new_table(database: str):
    with closing(Results.open(Into(url=database), "p", schema())) as results:
        results.write([outcome("7"), outcome("in/a.txt"), outcome("8", "failed")], "r1", "s1")
    with closing(results_of(database, 1)) as results:
        results.begin(run("r2"))
        results.write([outcome("in/b.txt", typed={})], "r2", "s1")
    assert asked(database, "select ticket, run_id from enriched") == [(7, "r1")]


def test_a_typed_table_that_somebody_dropped_is_made_again(database: str):
    results_of(database, 1).close()
    tell(database, "drop table enriched")
    with closing(results_of(database, 1)) as results:
        results.write([outcome("7")], "r1", "s1")
    assert asked(database, "select ticket from enriched") == [(7,)]


@pytest.mark.slow
def test_one_sqlite_file_is_source_and_results(tmp_path: Path):
    """It is in no WAL mode before, and read while it becomes that."""
    url = f"sqlite:///{tmp_path}/tickets.db"
    table(url, numbered(5000))
    with closing(sqlite3.connect(tmp_path / "tickets.db")) as connection:
        assert connection.execute("pragma journal_mode").fetchone() == ("delete",)
    source = rows_of(url)
    with source.opened() as refs:
        into = KeyedInto(url=url, table="enriched", key="ticket", first_key=source.first_key)
        with closing(Results.open(into, "p", schema())) as results:
            results.begin(run())
            while batch := [outcome(ref.document_id) for ref in islice(refs, 50)]:
                results.write(batch, "r1", "s1")
    assert asked(url, "select count(*) from tickets join enriched on id = ticket") == [(5000,)]


def test_a_key_that_is_named_alone_has_the_keys_type_too(database: str):
    into = KeyedInto(url=database, key="ticket", first_key=lambda: 1)
    with closing(Results.open(into, "p", schema())) as results:
        results.write([outcome("7")], "r1", "s1")
    assert asked(database, "select ticket from p__bill_s") == [(7,)]


def test_a_table_without_a_name_of_its_own_has_the_id_as_text(database: str):
    into = KeyedInto(url=database, first_key=lambda: 1)
    with closing(Results.open(into, "p", schema())) as results:
        results.write([outcome("7")], "r1", "s1")
    assert asked(database, "select document_id from p__bill_s") == [("7",)]


OTHERS = {  # ids that are no keys of the type, though Python would read them as such
    "int": (1000, ["1_000", " 1000", "١٠٠٠", "+1000", "9" * 30, "in/a.txt"]),
    "date": (date(2026, 1, 2), ["20260102", "2026-W01-5", "soon"]),
    "decimal": (Decimal("10.5"), ["10.50", "1.05E+1", "in/a.txt", "1E+999999999"]),
    "uuid": (UUID(int=7), ["{00000000-0000-0000-0000-000000000007}", "x"]),
    "a truth": (True, ["true", "1"]),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_document_whose_id_is_no_such_key_touches_no_other_ones_row(database: str, kind: str):
    key, others = OTHERS[kind]
    with closing(results_of(database, key)) as results:
        results.write([outcome(text_of(key))], "r1", "s1")
        results.write([outcome(document_id, typed={}) for document_id in others], "r2", "s1")
    assert asked(database, "select run_id from enriched") == [("r1",)]
