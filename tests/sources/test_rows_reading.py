"""The reading of rows: ended when nobody wants more, lost in the middle, kept on disk, flat in memory."""

import os
import sqlite3
import stat
import tempfile
import threading
import time
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.errors import StorageError
from docmill.tasks.sources.spool import Spool
from tests.support.processes import eventually
from tests.support.tickets import POSTGRES, SQLITE, asked, numbered, refusal, rows_of, table, tell, terminate


def reading_threads() -> int:
    return sum(thread.name == "rows" for thread in threading.enumerate())


@POSTGRES
def test_a_slow_query_ends_when_nobody_wants_more(database: str):
    query = "select g as id, pg_sleep(case when g > 10 then 60 else 0 end)::text as subject, 'b' as body"
    began = time.monotonic()
    source = rows_of(database, f"{query} from generate_series(1, 100) g", text="{{ body }}")
    with source.opened() as refs:
        next(refs)
    assert time.monotonic() - began < 5
    assert reading_threads() == 0
    left = (
        "select count(*) from pg_stat_activity "
        "where application_name = 'docmill' and datname = current_database()"
    )
    assert eventually(lambda: asked(database, left) == [(0,)])


@SQLITE
def test_a_large_table_ends_when_nobody_wants_more(database: str):
    table(database, [])
    endless = (
        "with recursive n(id) as (select 1 union all select id + 1 from n) select id, 'b' as body from n"
    )
    source = rows_of(database, endless, text="{{ body }}")
    with source.opened() as refs:
        assert [next(refs).document_id for _ in range(20)] == [str(number) for number in range(1, 21)]
    assert reading_threads() == 0
    assert source.first_key() is None


def test_the_connection_is_closed_long_before_the_rows_are_worked_off(database: str):
    table(database, numbered(1000))
    source = rows_of(database)
    with source.opened() as refs:
        assert source.count() == 1000
        assert eventually(lambda: reading_threads() == 0)
        tell(database, "drop table tickets")
        assert len(list(refs)) == 1000


@POSTGRES
def test_a_lost_connection_comes_after_the_rows_that_were_read(database: str):
    table(database, numbered(200))
    source = rows_of(database, "select *, pg_sleep(0.02) from tickets order by id")
    read_rows = []
    with source.opened() as refs:
        read_rows.append(next(refs))
        terminate(database, "FETCH%")
        with pytest.raises(StorageError, match=r"terminating connection.*Run again") as caught:
            read_rows.extend(refs)
        with pytest.raises(StorageError):
            next(refs)
        assert source.count() is None
    assert database.partition("?")[2] not in str(caught.value)
    assert [ref.document_id for ref in read_rows] == [str(n) for n in range(1, len(read_rows) + 1)]


@SQLITE
def test_a_damaged_database_ends_the_source(database: str, tmp_path: Path):
    table(database, [(number, "s", "b" * 3000) for number in range(3000)])
    file = tmp_path / "results.db"
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 2)
        opened.write(os.urandom(200_000))
    with (
        rows_of(database).opened() as refs,
        pytest.raises(StorageError, match=r"the source sqlite:///.* failed"),
    ):
        list(refs)


def test_a_full_disk_ends_the_source(database: str, monkeypatch: pytest.MonkeyPatch):
    table(database, numbered(50))
    real, left = Spool.put, [10]

    def put(spool: Spool, record: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        real(spool, record)

    monkeypatch.setattr(Spool, "put", put)
    source = rows_of(database)
    with source.opened() as refs:
        assert len([next(refs) for _ in range(10)]) == 10
        with pytest.raises(StorageError, match=r"No space left on device.*TMPDIR"):
            next(refs)


def test_a_missing_temporary_directory_is_a_wrong_configuration(
    database: str, monkeypatch: pytest.MonkeyPatch
):
    table(database, numbered(1))
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    assert "rows cannot be kept in /nowhere/at/all" in refusal(rows_of(database))


def test_no_temporary_directory_at_all_is_a_wrong_configuration(
    database: str, monkeypatch: pytest.MonkeyPatch
):
    table(database, numbered(1))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere/at/all"])
    assert "rows cannot be kept in the temporary directory" in refusal(rows_of(database))


def test_what_waits_on_disk_has_no_name_and_is_nobody_elses():
    spool = Spool()
    mode = os.fstat(spool._file.fileno())
    assert stat.S_IMODE(mode.st_mode) == 0o600
    assert mode.st_nlink == 0
    spool.close()


@given(st.lists(st.binary(max_size=50)), st.integers(0, 60))
def test_a_spool_gives_what_it_took_in_its_order(records: list[bytes], taken_between: int):
    spool = Spool()
    with closing(spool):
        found = []
        for number, record in enumerate(records):
            spool.put(record)
            if number >= taken_between:
                found.append(spool.take())
        spool.end()
        while (record := spool.take()) is not None:  # type: ignore[assignment]
            found.append(record)
        assert found == records


def test_whoever_waits_for_a_row_is_told_that_the_source_is_closed():
    spool = Spool()
    found: list[bytes | None] = [b"waiting"]
    waiting = threading.Thread(target=lambda: found.append(spool.take()))
    waiting.start()
    spool.close()
    waiting.join(5)
    assert found == [b"waiting", None]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path):
    with closing(sqlite3.connect(tmp_path / "large.db")) as connection, connection:
        connection.execute("create table tickets (id integer primary key, subject text, body text)")
        body = "x" * 2000
        connection.executemany(
            "insert into tickets values (?, 's', ?)", ((number, body) for number in range(200_000))
        )
    source = rows_of(f"sqlite:///{tmp_path}/large.db")
    tracemalloc.start()
    try:
        with source.opened() as refs:
            count = sum(1 for ref in refs if ref.fault is None)
        assert count == 200_000
        # The ids' digests, and nothing of 400 MB of text.
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_of_large_rows_few_are_read_ahead(database: str):
    table(database, [])
    large, rows = 4_000_000, 60
    series = "with recursive n(id) as (select 1 union all select id + 1 from n where id < 60)"
    text = (
        f"replace(hex(zeroblob({large // 2})), '00', 'ab')"
        if "sqlite" in database
        else (f"repeat('a', {large})")
    )
    source = rows_of(database, f"{series} select id, {text} as body from n", text="{{ body[:9] }}")
    tracemalloc.start()
    try:
        with source.opened() as refs:
            assert sum(1 for _ in refs) == rows
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * large
