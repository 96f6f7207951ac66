"""What a run waits for, counted: each moment for one cause."""

import asyncio
from typing import Any

import pytest

from docmill.schemas.errors import Deferred
from docmill.tasks.chat.lane import Lane
from docmill.tasks.chat.waits import Reason, Waits


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


def told(waits: Waits) -> dict[str, float]:
    return {cause: seconds for cause, seconds in waits.seconds().items() if seconds}


def test_a_moment_in_which_nobody_waits_is_nobodys(waits: Waits, clock: Clock):
    clock.now += 5
    assert told(waits) == {}


def test_many_who_wait_at_once_take_no_more_than_the_time(waits: Waits, clock: Clock):
    waits.add("concurrency", 1)
    clock.now += 1
    waits.add("concurrency", 7)
    clock.now += 1
    waits.add("concurrency", -8)
    clock.now += 1
    assert told(waits) == {"concurrency": 2}


@pytest.mark.parametrize("reason", ["budget", "requests", "tokens", "cpu"])
def test_what_holds_those_with_a_place_stands_before_the_places(waits: Waits, clock: Clock, reason: Reason):
    waits.add("concurrency", 3)
    clock.now += 1
    with waits.during(reason):
        clock.now += 2
    clock.now += 1
    assert told(waits) == {"concurrency": 2, reason: 2}


def test_a_mark_counts_once_however_often_it_is_set(waits: Waits, clock: Clock):
    for on in (True, True, False, False):
        waits.mark("cpu", on=on)
        clock.now += 1
    assert told(waits) == {"cpu": 2}


def test_a_pause_and_the_fewer_places_after_it_are_the_servers(waits: Waits, clock: Clock):
    for reason in ("paused", "reduced"):
        with waits.during(reason):
            clock.now += 1
    assert told(waits) == {"server": 2}


# Of a real lane: who waits there, and for what.


async def begun(lane: Lane, calls: int) -> "list[asyncio.Task[Any]]":
    async def call() -> None:
        async with lane.slot():
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(call()) for _ in range(calls)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def ended(tasks: "list[asyncio.Task[Any]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def after(waits: Waits, clock: Clock) -> dict[str, float]:
    before = told(waits)
    clock.now += 1
    return {cause: each - before.get(cause, 0) for cause, each in told(waits).items()}


async def test_a_call_too_many_waits_for_concurrency(waits: Waits, clock: Clock):
    lane = Lane(2, waits=waits)
    fitting = await begun(lane, 2)
    assert await after(waits, clock) == {}
    more = await begun(lane, 1)
    assert await after(waits, clock) == {"concurrency": 1}
    await ended([*more, *fitting])
    assert await after(waits, clock) == {"concurrency": 0}


async def test_the_room_of_the_session_counts_as_concurrency(waits: Waits, clock: Clock):
    room = asyncio.Semaphore(1)
    tasks = await begun(Lane(4, room, waits), 2)
    assert await after(waits, clock) == {"concurrency": 1}
    await ended(tasks)


async def test_who_waits_as_the_server_refuses_waits_for_the_server(
    waits: Waits, clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    lane = Lane(2, waits=waits)
    tasks = await begun(lane, 3)
    lane.refused(asyncio.get_running_loop().time(), 30)
    assert await after(waits, clock) == {"server": 1}
    await ended(tasks)
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "0")
    lane.refused(asyncio.get_running_loop().time() + 1, 1)  # over at once: one call alone goes now
    tasks = await begun(lane, 2)
    assert await after(waits, clock) == {"server": 1}
    await ended(tasks)


async def test_nobody_waits_any_more_in_a_lane_that_closes(waits: Waits, clock: Clock):
    lane = Lane(1, waits=waits)
    tasks = await begun(lane, 3)
    lane.close("the end")
    with pytest.raises(Deferred):
        await tasks[1]
    await asyncio.sleep(0)
    assert await after(waits, clock) == {}
    await ended(tasks)
