"""The backlog: calls begin while Prefect's server records those before in time."""

import asyncio
import uuid

import pytest

from docmill.tasks.chat.backlog import EACH, FIRST, LATE_S, LEAST, MOST, Backlog
from docmill.tasks.chat.waits import Waits


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waits(clock: Clock) -> Waits:
    return Waits(clock)


@pytest.fixture
def backlog(waits: Waits, clock: Clock) -> Backlog:
    return Backlog(waits, clock)


def end(backlog: Backlog, count: int) -> None:
    for _ in range(count):
        backlog.ended(uuid.uuid4())


async def recorded(backlog: Backlog, count: int = 1) -> None:
    for _ in range(count):
        backlog.recorded((await backlog.samples())[0])


async def waits_for_room(backlog: Backlog) -> bool:
    waiting = asyncio.create_task(backlog.room())
    for _ in range(3):
        await asyncio.sleep(0)
    waiting.cancel()
    return not waiting.done()


async def test_a_call_waits_for_room_where_too_many_are_not_recorded(backlog: Backlog):
    backlog.bound()
    end(backlog, FIRST - 1)
    assert not await waits_for_room(backlog)
    end(backlog, 1)
    assert await waits_for_room(backlog)


async def test_calls_go_on_once_the_server_has_recorded_what_was_before(backlog: Backlog):
    backlog.bound()
    end(backlog, FIRST)
    waiting = asyncio.create_task(backlog.room())
    await asyncio.sleep(0)
    await recorded(backlog)
    await asyncio.wait_for(waiting, 5)


async def test_what_ended_before_a_recorded_one_is_recorded_too(backlog: Backlog):
    end(backlog, 3 * EACH)
    backlog.recorded((await backlog.samples())[1])
    assert [sample.count for sample in await backlog.samples()] == [3 * EACH]


async def test_nothing_waits_where_nobody_looks_for_what_is_recorded(backlog: Backlog):
    end(backlog, 10 * MOST)
    assert not await waits_for_room(backlog)


async def test_nothing_waits_any_more_once_the_run_sends_nothing_more(backlog: Backlog):
    backlog.bound()
    end(backlog, FIRST)
    waiting = asyncio.create_task(backlog.room())
    await asyncio.sleep(0)
    backlog.unbound()
    await asyncio.wait_for(waiting, 5)
    await recorded(backlog)
    assert not await waits_for_room(backlog)


async def test_a_server_that_is_prompt_gets_more_at_a_time_up_to_a_bound(backlog: Backlog):
    backlog.bound()
    end(backlog, EACH)
    await recorded(backlog)
    assert backlog.most == FIRST + EACH
    end(backlog, 20 * MOST)
    await recorded(backlog, 20 * MOST // EACH)
    assert backlog.most == MOST


async def test_a_server_that_is_late_gets_less_at_a_time_down_to_a_bound(backlog: Backlog, clock: Clock):
    backlog.bound()
    end(backlog, 5 * EACH)
    clock.now += LATE_S + 1
    await recorded(backlog)
    assert backlog.most == FIRST // 2
    await recorded(backlog, 4)
    assert backlog.most == LEAST


async def test_a_server_that_is_away_holds_nothing_up_until_it_records_again(backlog: Backlog):
    backlog.bound()
    end(backlog, 2 * FIRST + EACH)
    backlog.lost((await backlog.samples())[0])
    assert not await waits_for_room(backlog)
    await recorded(backlog)
    assert await waits_for_room(backlog)


async def test_what_is_waited_for_is_told_as_the_cause(backlog: Backlog, waits: Waits, clock: Clock):
    backlog.bound()
    end(backlog, FIRST)
    waiting = asyncio.create_task(backlog.room())
    await asyncio.sleep(0)
    clock.now += 3
    assert waits.seconds()["prefect"] == 3.0
    waiting.cancel()
