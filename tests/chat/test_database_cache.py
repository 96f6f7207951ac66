"""The cache in a database alone: what is lost on the way, in how many round trips, and what is shown."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from docmill.schemas.errors import ConfigError, StorageError
from docmill.schemas.pipeline import Limits
from docmill.tasks.chat import database_link
from docmill.tasks.chat.cache import CompletionCache
from docmill.tasks.chat.database_cache import DatabaseCache
from docmill.tasks.chat.kept import Cache
from docmill.tasks.chat.session import session
from tests.support.asking import target
from tests.support.cut import Relay, relayed
from tests.support.databases import lent
from tests.support.processes import eventually

A, B = (f"chat/v1/{digit * 2}/{digit * 64}" for digit in "ab")
TABLE = "docmill__completions"
RECORD = b'{"a": "\\u0000 \xc3\xa4"}'
LOCKS = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory'"


@pytest.fixture
def url(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(database_link, "GRACE_S", 0.5)
    with lent(postgres) as url:
        yield url.replace("+psycopg", "")


@pytest.fixture
def relay(url: str) -> Iterator[tuple[Relay, str]]:
    with relayed(url) as both:
        yield both


def asked(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


async def test_a_record_is_read_as_it_was_written(url: str):
    cache = DatabaseCache(url)
    await cache.write(A, RECORD)
    content, _ = await DatabaseCache(url).read(A)
    assert json.loads(content) == json.loads(RECORD)


async def test_a_planted_record_is_a_miss(url: str):
    """A reader of the table that may write there, too, gets no code run and no reply taken."""
    cache = DatabaseCache(url)
    planted = {"metadata": {"serializer": {"type": "pickle"}}, "result": "gASVAAAA"}
    await cache.write(A, json.dumps(planted).encode())
    store = CompletionCache(cache=lambda: cache, oldest=lambda: 0.0, failed=lambda _: None)
    with pytest.raises(ValueError, match="not a record of docmill's"):
        await store.aread_path(A)


async def test_when_a_record_was_written_is_told_by_this_machines_clock(url: str):
    cache, before = DatabaseCache(url), time.time()
    await cache.write(A, RECORD)
    _, written = await cache.read(A)
    assert before - 1 < written < time.time() + 1


async def test_what_is_not_there_is_a_miss(url: str):
    with pytest.raises(FileNotFoundError):
        await DatabaseCache(url).read(A)


async def test_what_is_not_below_chat_is_not_kept(url: str):
    cache = DatabaseCache(url)
    await cache.write("failed/" + "a" * 64, b"{}")
    await cache.write(A, b"{}")
    assert asked(url, "SELECT key FROM docmill__completions") == [(A,)]


async def test_who_gets_a_lock_sees_what_its_holder_wrote(url: str):
    first, second = DatabaseCache(url), DatabaseCache(url)
    assert await first.lock(A)
    assert not await second.lock(A)
    await first.write(A, RECORD)
    assert await second.lock(A)
    assert (await second.read(A))[0] == json.dumps(json.loads(RECORD)).encode()


async def test_a_process_has_one_connection(url: str):
    cache = DatabaseCache(url)
    await asyncio.gather(*(cache.write(f"chat/v1/{number:064x}", b"{}") for number in range(300)))
    mine = "FROM pg_stat_activity WHERE application_name = 'docmill cache' AND datname = current_database()"
    assert asked(url, f"SELECT count(*) {mine}") == [(1,)]
    assert asked(url, "SELECT count(*) FROM docmill__completions") == [(300,)]


def test_which_database_it_is_is_asked_once(url: str, relay: tuple[Relay, str]):
    between, through = relay
    cache = DatabaseCache(through)
    between.cut(told=True)
    with pytest.raises(StorageError):
        cache.identity()
    between.mend()
    before = between.opened
    assert {cache.identity() for _ in range(3)} == {DatabaseCache(url).identity()}
    assert between.opened == before + 1


def test_tables_in_two_schemas_of_a_database_are_two_caches(url: str):
    """What one of them holds the other would pay again."""
    asked(url, "CREATE SCHEMA own")
    own = psycopg.conninfo.make_conninfo(url, options="-c search_path=own")
    assert DatabaseCache(own).identity() != DatabaseCache(url).identity()


@pytest.mark.slow
@pytest.mark.parametrize("told", [True, False], ids=["the server is told", "the server knows nothing"])
async def test_a_lock_outlives_its_connection(url: str, relay: tuple[Relay, str], told: bool):
    """The process takes it again, also from its own session that the server thinks alive."""
    between, through = relay
    cache, other = DatabaseCache(through), DatabaseCache(url)
    assert await cache.lock(A)
    between.cut(told=told)
    between.mend()
    assert await asyncio.to_thread(eventually, lambda: between.opened == 2, 10)
    await cache.write(B, RECORD)  # once that is through the locks are there again
    assert not await other.lock(A)
    cache.unlock(A)
    await cache.read(B)  # what is asked after it is done after it
    assert await other.lock(A)


async def test_a_record_waits_until_the_database_is_back(url: str, relay: tuple[Relay, str]):
    between, through = relay
    cache = DatabaseCache(through)
    assert await cache.lock(A)
    between.cut()
    writing = asyncio.create_task(cache.write(A, RECORD))
    await asyncio.wait([writing], timeout=1)
    assert not writing.done()
    between.mend()
    await asyncio.wait_for(writing, 20)
    assert asked(url, "SELECT key FROM docmill__completions") == [(A,)]
    assert await DatabaseCache(url).lock(A)


async def test_a_database_that_is_gone_for_good_is_told(
    relay: tuple[Relay, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(database_link, "PATIENCE_S", 1.0)
    between, through = relay
    cache = DatabaseCache(through)
    assert await cache.lock(A)
    between.cut()
    with pytest.raises(OSError, match=r"server closed the connection|refused|reset"):
        await cache.write(A, RECORD)
    with pytest.raises(StorageError, match=r"the cache postgresql://.* does not answer: .*then run again"):
        await cache.lock(B)
    between.mend()
    assert await cache.lock(B)


async def test_who_is_gone_as_the_lock_comes_does_not_keep_it(url: str):
    cache = DatabaseCache(url)
    for _ in range(20):
        locking = asyncio.create_task(cache.lock(A))
        await asyncio.sleep(0)
        locking.cancel()
        await asyncio.wait([locking])
    free = f"{LOCKS} AND datname = current_database()"
    assert await asyncio.to_thread(eventually, lambda: asked(url, free) == [(0,)], 10)


async def test_a_record_that_the_database_refuses_is_told_and_no_other(url: str):
    cache = DatabaseCache(url)
    await cache.write(A, RECORD)
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE docmill__completions ADD CONSTRAINT small CHECK (record <> '1')")
    results = await asyncio.gather(cache.write(A, b"1"), cache.write(B, b"2"), return_exceptions=True)
    assert isinstance(results[0], OSError)
    assert results[1] is None
    assert asked(url, "SELECT key, record FROM docmill__completions ORDER BY key") == [
        (A, json.dumps(json.loads(RECORD))),
        (B, "2"),
    ]


async def test_a_statement_that_fails_lets_no_lock_go(url: str):
    """Neither those that are held, nor does it keep those that it was to take."""
    cache, other = DatabaseCache(url), DatabaseCache(url)
    assert await cache.lock(A)
    asked(url, "ALTER TABLE docmill__completions RENAME TO away")
    with pytest.raises(StorageError, match="does not answer"):
        await cache.lock(B)
    asked(url, "ALTER TABLE away RENAME TO docmill__completions")
    assert not await other.lock(A)
    assert await other.lock(B)
    cache.unlock(A)
    assert not await cache.lock(B)  # what is asked after it is done after it
    assert await other.lock(A)


@pytest.mark.parametrize("lack", ["53100", "25006", "57014"], ids=["room", "a right to write", "an operator"])
async def test_a_record_waits_where_the_database_lacks_something_for_a_while(url: str, lack: str):
    cache = DatabaseCache(url)
    await cache.write(B, RECORD)
    refusing = f"BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '{lack}'; END"
    asked(url, f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {refusing} $$")
    asked(url, f"CREATE TRIGGER t BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION refuse()")
    writing = asyncio.create_task(cache.write(A, RECORD))
    await asyncio.wait([writing], timeout=1)
    assert not writing.done()
    asked(url, f"DROP TRIGGER t ON {TABLE}")
    await asyncio.wait_for(writing, 20)


async def test_a_standby_is_not_taken_for_the_cache(url: str):
    name = asked(url, "SELECT current_database()")[0][0]
    asked(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(StorageError, match="read-only"):
        await DatabaseCache(url).lock(A)


async def test_a_reply_is_stored_although_its_call_is_cancelled(shared: Cache):
    """The session's end waits for it."""
    store = CompletionCache(cache=lambda: shared, oldest=lambda: 0.0, failed=lambda _: None)
    async with session(target("http://127.0.0.1:9/v1"), Limits()):
        writing = asyncio.create_task(store.awrite_path(A, RECORD))
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait([writing])
        assert writing.cancelled()
    content, _ = await shared.read(A)
    assert json.loads(content) == json.loads(RECORD)


@pytest.mark.parametrize(
    "wrong",
    [
        "postgresql://me:1/secret@host/db",
        "postgresql://me:1@secret@host/db",
        "postgresql://me:secret/1@host/db",
        "postgresql://me:secret@host/db?nothing=secret",
    ],
)
def test_a_url_that_is_none_is_told_without_its_password(wrong: str):
    with pytest.raises(ConfigError, match="DOCMILL_CACHE: not a database's URL") as told:
        DatabaseCache(wrong)
    assert "secret" not in str(told.value)


def test_a_password_is_never_shown():
    cache = DatabaseCache("postgresql://me:secret@127.0.0.1:1/db?connect_timeout=1")
    assert str(cache) == "postgresql://me@127.0.0.1:1/db"
    with pytest.raises(ConfigError, match="cannot be opened") as told:
        cache.ask()
    with pytest.raises(StorageError, match="does not answer") as later:
        cache.try_lock(A)
    assert "secret" not in f"{told.value} {later.value}"
