"""The windows of a minute in a database: what workers on several machines take adds up, and is kept."""

import asyncio
import multiprocessing
from collections.abc import Iterator

import psycopg
import pytest

from docmill.schemas.errors import StorageError
from docmill.tasks.chat import database_windows
from docmill.tasks.chat.database_windows import DatabaseWindows
from docmill.tasks.chat.window_file import unpacked
from docmill.tasks.chat.windows import Rates
from tests.support.cut import relayed
from tests.support.databases import fresh, lent
from tests.support.processes import eventually

LANE = "https://example.com m"
RATES = Rates(requests=1000)


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    with lent(postgres) as url:
        yield url.replace("+psycopg", "")


def _taking(url: str, times: int) -> None:
    async def take() -> None:
        windows = DatabaseWindows(url, LANE, 600.0)
        await asyncio.gather(*(windows.take(RATES, 1) for _ in range(times)))

    asyncio.run(take())


async def test_processes_that_take_at_once_lose_no_take(url: str):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_taking, args=(url, 200)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join)
    assert [process.exitcode for process in processes] == [0, 0]
    slot = await DatabaseWindows(url, LANE, 600.0).take(RATES, 1)
    # Four hundred of a thousand took four tenths of ten minutes, less what has passed meanwhile.
    assert 150 < slot.wait_s < 400 / 990 * 600 * 1.01


async def test_what_is_given_back_is_there_for_others(url: str):
    windows, rates = DatabaseWindows(url, LANE), Rates(tokens=1000)
    assert (await DatabaseWindows(url, "another lane").take(rates, 900)).wait_s == 0
    first = await windows.take(rates, 900)
    windows.settle(rates, first, 1, 100)
    assert (await windows.take(rates, 100)).wait_s < 10  # else it were 54 s
    assert (await DatabaseWindows(url, LANE).take(rates, 100)).wait_s > 3


async def test_a_call_that_is_cancelled_while_it_asks_takes_nothing(url: str):
    windows, rates = DatabaseWindows(url, LANE), Rates(requests=10)
    await windows.take(rates, 1)
    asking = [asyncio.ensure_future(windows.take(rates, 1)) for _ in range(5)]
    await asyncio.sleep(0)
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)

    def held() -> float:
        with psycopg.connect(url) as connection:
            [(content,)] = connection.execute("select state from docmill__windows").fetchall()
        state = unpacked(content)
        return sum(state.taken[0].parts) if state else 0.0

    assert await asyncio.to_thread(eventually, lambda: held() == 1)


async def test_a_database_that_was_away_is_asked_again(url: str):
    with relayed(url) as (relay, through):
        windows = DatabaseWindows(through, LANE)
        await windows.take(RATES, 1)
        relay.cut()
        relay.mend()
        assert (await windows.take(RATES, 1)).wait_s < 1


async def test_a_database_that_stays_away_is_told(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database_windows, "PATIENCE_S", 0.0)
    windows = DatabaseWindows("postgresql://nobody@127.0.0.1:1/none", LANE)
    with pytest.raises(StorageError, match="the cache's database takes no call of the minute"):
        await windows.take(RATES, 1)


async def test_damaged_windows_begin_anew(url: str):
    await DatabaseWindows(url, LANE).take(Rates(requests=1), 1)
    with psycopg.connect(url) as connection:
        connection.execute("update docmill__windows set state = 'x'")
    assert (await DatabaseWindows(url, LANE).take(Rates(requests=1), 1)).wait_s == 0


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_of_any_encoding_has_the_windows_of_every_lane(postgres: str, encoding: str):
    url = fresh(postgres, encoding).replace("+psycopg", "")
    rates = Rates(requests=10)
    for lane in ("https://example.com \u6a21", "https://example.com \u578b"):
        assert (await DatabaseWindows(url, lane).take(rates, 1)).wait_s == 0
    assert (await DatabaseWindows(url, lane).take(rates, 1)).wait_s > 0
