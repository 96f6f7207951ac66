"""`docmill prune` of a cache in a database: as that of a directory."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from docmill.tasks.chat import database_link
from docmill.tasks.chat.database_cache import DatabaseCache
from docmill.tasks.chat.records import Record
from tests.books.test_prune import DAY_S, STEPS, pruned
from tests.support.databases import lent
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider

A, B = (f"chat/v1/{digit * 2}/{digit * 64}" for digit in "ab")
RECORD = b'{"a": 1}'
AGED = """
UPDATE docmill__completions SET created_at = created_at - interval '40 days';
UPDATE docmill__results SET line = replace(line, '"since": "2', '"since": "1')"""


@pytest.fixture
def url(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(database_link, "GRACE_S", 0.0)
    monkeypatch.setattr(database_link, "IDLE_S", 1.0)
    with lent(postgres) as database:
        url = database.replace("+psycopg", "")
        monkeypatch.setenv("DOCMILL_CACHE", url)
        yield url


def asked(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def keys(url: str) -> set[str]:
    return {key for (key,) in asked(url, "SELECT key FROM docmill__completions")}


@pytest.fixture
def old(url: str) -> DatabaseCache:
    """Give a cache that holds A and B, both old."""
    cache = DatabaseCache(url)
    for key in (A, B):
        asyncio.run(cache.write(key, RECORD))
    cache.note_results("{}")
    asked(url, AGED)
    return cache


def listed(cache: DatabaseCache, since: float) -> list[Record]:
    with cache.records(since) as held:
        return list(held.each())


def freed(cache: DatabaseCache, records: list[Record], since: float) -> list[str]:
    with cache.records(since) as held:
        return [record.place for record in held.free(records)]


def test_its_records_are_listed_with_what_is_known_of_them(old: DatabaseCache):
    [first, second] = listed(old, time.time() - DAY_S)
    assert [first.digest, second.digest] == ["a" * 64, "b" * 64]
    assert time.time() - 41 * DAY_S < first.written < time.time() - 39 * DAY_S
    assert first.size > 0
    assert not first.was_used


@pytest.mark.parametrize("setting", ["extra_float_digits = 0", "datestyle = 'German'"])
def test_records_are_listed_and_freed_whatever_the_database_is_set_to(
    old: DatabaseCache, url: str, setting: str
):
    asked(url, f"ALTER DATABASE {asked(url, 'SELECT current_database()')[0][0]} SET {setting}")
    assert sorted(freed(old, listed(old, 0.0), 0.0)) == [A, B]


def test_what_is_no_record_is_not_listed(old: DatabaseCache, url: str):
    asked(url, "INSERT INTO docmill__completions (key, record) VALUES ('mine', '')")
    assert len(listed(old, 0.0)) == 2


def test_a_record_that_is_asked_for_or_was_written_anew_meanwhile_stays(old: DatabaseCache, url: str):
    since = time.time() - DAY_S
    records = listed(old, since)
    assert old.try_lock(A)
    asyncio.run(DatabaseCache(url).write(B, RECORD))
    assert freed(old, records, since) == []
    old.unlock(A)
    assert eventually(lambda: freed(old, records, since) == [A])
    assert keys(url) == {B}


def test_a_record_that_was_read_meanwhile_stays_and_its_note_goes_with_its_time(old: DatabaseCache, url: str):
    since = time.time() - DAY_S
    records = listed(old, since)
    assert old.try_lock(A)
    for _ in range(3):
        old.note_use(A, records[0].written)
    old.note_use(B, time.time())  # young: no note
    old.unlock(A)
    assert eventually(lambda: asked(url, "SELECT key FROM docmill__used") == [(A,)])
    assert freed(old, records, since) == [B]
    assert [record.was_used for record in listed(old, since)] == [True]
    with old.records(time.time() + DAY_S) as held:
        held.forget()
    assert asked(url, "SELECT * FROM docmill__used") == []


def test_where_a_use_cannot_be_noted_the_record_is_read_all_the_same(old: DatabaseCache, url: str):
    asked(url, "CREATE TABLE docmill__used (other int)")
    old.note_use(A, 0.0)
    content, _ = asyncio.run(old.read(A))
    assert content == RECORD


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api")
def test_what_no_outcome_needs_is_freed_and_no_more(
    project: Project, provider: Provider, url: str, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="text a", b="text b")
    assert project.run("run", str(project.pipeline(provider.url, STEPS))) == 0
    project.documents(a="another text")
    assert project.run("run", "p.yaml") == 0
    assert pruned(project, capfd)["recent"] == 3
    asked(url, AGED)
    counts = pruned(project, capfd, "--dry-run")
    assert (counts["freed"], counts["needed"]) == (1, 2)
    assert counts["cache"].startswith("postgresql://")
    assert len(keys(url)) == 3
    counts = pruned(project, capfd)
    assert (counts["freed"], counts["needed"]) == (1, 2)
    assert len(keys(url)) == 2
    # From the cache, which notes that it was read.
    assert project.run("run", "p.yaml", "--into", "sqlite:///other.db") == 0
    assert len(provider.requests) == 3
    assert eventually(lambda: len(asked(url, "SELECT * FROM docmill__used")) == 2)
    Path("results.db").unlink()
    assert project.run("prune") == 2
    assert "results.db is not there" in capfd.readouterr().err
    counts = pruned(project, capfd, "--without", counts["databases"][0])
    assert (counts["freed"], counts["needed"]) == (0, 2)
