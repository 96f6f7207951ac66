"""The lane alone, in a real loop: how many calls are in flight, when it waits, and when it gives up."""

import asyncio
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.schemas.errors import Deferred
from docmill.tasks.chat.lane import Lane

SCALE = 0.01
AT_ONCE = "0"  # a scale with which pauses are counted and not waited for
PAUSES = 34  # until a lane without Retry-After closes: 1 + 2 + 4 + 8 + 16 + 29 * 30 = 901


@pytest.fixture(autouse=True)
def scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", str(SCALE))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", AT_ONCE)


class Held:
    """A call that has its place until it is told how it ends."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.sent: float | None = None
        self._end = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self.lane.slot() as self.sent:
            await self._end.wait()

    def let_go(self) -> None:
        """End it as soon as it comes to run."""
        self._end.set()

    async def end(self) -> None:
        """End it now."""
        self.let_go()
        await self.task

    def refused(self, retry_after_s: float | None = None) -> None:
        """Tell the lane that the server refused it."""
        assert self.sent is not None
        self.lane.refused(self.sent, retry_after_s)


async def held(lane: Lane, calls: int) -> list[Held]:
    """Begin calls and let those in that the lane takes."""
    begun = [Held(lane) for _ in range(calls)]
    await steps(2)
    return begun


async def let_in(call: Held) -> float:
    """Wait until a call is let in; gives the loop's time of it."""
    while call.sent is None:
        await asyncio.sleep(0.001)
    return call.sent


async def steps(number: int) -> None:
    """Let the loop go round so often."""
    for _ in range(number):
        await asyncio.sleep(0)


async def refuse(lane: Lane, retry_after_s: float | None = None) -> None:
    async with lane.slot() as sent:
        lane.refused(sent, retry_after_s)


async def succeed(lane: Lane) -> None:
    async with lane.slot() as sent:
        lane.succeeded(sent)


async def waited(lane: Lane) -> float:
    """Tell how long the next call waits, in seconds before the scale."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with lane.slot():
        return (loop.time() - began) / SCALE


async def pauses_until_closed(lane: Lane, retry_after_s: float | None = None) -> int:
    """Refuse one call after another until the lane is closed."""
    for number in count(1):
        await refuse(lane, retry_after_s)
        if lane.closed:
            return number
    raise AssertionError


# In flight


@pytest.mark.parametrize("concurrency", [1, 3, 8])
async def test_as_many_calls_are_in_flight_as_the_lane_takes_and_no_more(concurrency: int):
    lane = Lane(concurrency)
    calls = await held(lane, 20)
    for ended, call in enumerate(calls):
        await steps(1)
        assert [other.sent is not None for other in calls].count(True) == min(20, ended + concurrency)
        assert lane.in_flight == min(concurrency, 20 - ended)
        await call.end()
    assert lane.in_flight == 0


async def test_calls_go_in_the_order_they_came():
    lane = Lane(1)
    calls = await held(lane, 5)
    for call in calls:
        await call.end()
    sent = [call.sent or 0 for call in calls]
    assert sent == sorted(sent)


async def test_a_call_that_fails_gives_its_place_back():
    lane = Lane(1)
    with pytest.raises(ZeroDivisionError):
        async with lane.slot():
            raise ZeroDivisionError
    await asyncio.wait_for(succeed(lane), 1)


async def test_a_call_that_is_cancelled_in_flight_gives_its_place_back():
    lane = Lane(1)
    [call] = await held(lane, 1)
    call.task.cancel()
    await asyncio.wait([call.task])
    await asyncio.wait_for(succeed(lane), 1)


async def test_a_call_that_is_cancelled_while_it_waits_takes_no_place():
    lane = Lane(1)
    first, second, third = await held(lane, 3)
    second.task.cancel()
    await first.end()
    await steps(1)
    assert third.sent is not None
    assert lane.in_flight == 1


async def test_a_call_that_is_cancelled_as_its_turn_comes_hands_the_place_on():
    lane = Lane(1)
    first, second, third = await held(lane, 3)
    first.let_go()
    await asyncio.sleep(0)  # the first has ended and its place is the second's, which does not know yet
    assert (lane.in_flight, second.sent) == (1, None)
    second.task.cancel()
    await asyncio.wait([second.task])
    await steps(1)
    assert second.sent is None
    assert third.sent is not None
    assert lane.in_flight == 1


# The pause


async def test_a_pause_holds_every_call_until_it_ends():
    lane = Lane(8)
    await refuse(lane, 10)
    assert min(await asyncio.gather(*(waited(lane) for _ in range(4)))) >= 9.9


async def test_a_pause_holds_those_that_have_waited_before_it():
    lane = Lane(2)
    first, second, third = await held(lane, 3)
    began = asyncio.get_running_loop().time()
    first.refused(10)
    await first.end()
    await second.end()
    assert await let_in(third) - began >= 9.9 * SCALE


async def test_a_pause_holds_a_call_whose_place_was_given_in_the_same_moment():
    """One call ends and another is refused before the waiting one has come to run."""
    lane = Lane(2)
    first, second, waiting = await held(lane, 3)
    second.let_go()
    await steps(1)
    assert (lane.in_flight, waiting.sent) == (2, None)
    began = asyncio.get_running_loop().time()
    first.refused(10)
    await steps(2)
    assert lane.in_flight == 1
    await first.end()
    assert await let_in(waiting) - began >= 9.9 * SCALE


async def test_calls_in_flight_are_left_alone_by_a_pause():
    lane = Lane(2)
    first, second = await held(lane, 2)
    first.refused(100)
    await first.end()
    await asyncio.wait_for(second.end(), 90 * SCALE)


@pytest.mark.usefixtures("at_once")
async def test_refusals_of_calls_sent_before_a_pause_are_one_pause_and_one_halving():
    lane = Lane(8)
    calls = await held(lane, 8)
    for call in calls:
        call.refused()
    assert lane.size == 4
    await asyncio.gather(*(call.end() for call in calls))
    assert await pauses_until_closed(lane) == PAUSES - 1


@pytest.mark.usefixtures("at_once")
async def test_a_refusal_that_comes_after_its_pause_is_no_other_pause():
    lane = Lane(8)
    first, late = await held(lane, 2)
    first.refused()
    await first.end()
    late.refused()
    await late.end()
    assert lane.size == 4
    assert await pauses_until_closed(lane) == PAUSES - 1


async def test_a_refusal_that_comes_after_its_pause_is_waited_for_if_it_asks_for_more():
    lane = Lane(8)
    loop = asyncio.get_running_loop()
    first, late = await held(lane, 2)
    began = loop.time()
    first.refused(1)
    await asyncio.sleep(2 * SCALE)
    late.refused(30)
    await waited(lane)
    assert loop.time() - began >= 29.9 * SCALE
    assert lane.size == 4


async def test_a_pause_is_as_long_as_the_longest_retry_after():
    lane = Lane(3)
    loop = asyncio.get_running_loop()
    calls = await held(lane, 3)
    began = loop.time()
    for call, retry_after_s in zip(calls, [2, 20, 3], strict=True):
        call.refused(retry_after_s)
    await asyncio.gather(*(call.end() for call in calls))
    await waited(lane)
    assert loop.time() - began >= 19.9 * SCALE


@pytest.mark.usefixtures("at_once")
async def test_the_longest_retry_after_is_counted_once():
    """Six pauses that begin with 60 s are 900; were the shorter ones added, the lane would close before."""
    lane = Lane(3)
    for _ in range(6):
        calls = await held(lane, lane.size)
        for call, retry_after_s in zip(calls, [60, 120, 70], strict=False):
            call.refused(retry_after_s)
        calls[-1].refused(120)
        await asyncio.gather(*(call.end() for call in calls))
        assert not lane.closed
    await refuse(lane, 120)
    assert lane.closed


async def test_the_scale_is_read_when_the_delay_is_taken(monkeypatch: pytest.MonkeyPatch):
    lane = Lane(1)
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", str(10 * SCALE))
    await refuse(lane, 1)
    assert await waited(lane) >= 9


# After the pause


async def test_half_as_many_calls_are_in_flight_after_a_pause():
    lane = Lane(8)
    await refuse(lane, 1)
    await asyncio.sleep(2 * SCALE)
    calls = await held(lane, 8)
    assert [call.sent is not None for call in calls] == [True] * 4 + [False] * 4


@pytest.mark.usefixtures("at_once")
async def test_one_call_at_least_is_in_flight():
    lane = Lane(5)
    sizes = []
    for _ in range(4):
        await refuse(lane)
        sizes.append(lane.size)
    assert sizes == [2, 1, 1, 1]


@pytest.mark.usefixtures("at_once")
async def test_one_more_call_is_in_flight_after_each_full_round_of_successes():
    lane = Lane(6)
    await refuse(lane)
    sizes = []
    for _ in range(3 + 4 + 5 + 6 + 7):
        await succeed(lane)
        sizes.append(lane.size)
    assert sizes == [3, 3, *[4] * 4, *[5] * 5, *[6] * 14]


async def test_a_lane_that_grows_lets_a_waiting_call_in():
    lane = Lane(2)
    await refuse(lane, 1)
    await asyncio.sleep(2 * SCALE)
    first, second = await held(lane, 2)
    assert first.sent is not None
    assert second.sent is None
    lane.succeeded(first.sent)
    await steps(1)
    assert second.sent is not None


@pytest.mark.usefixtures("at_once")
async def test_a_refusal_begins_the_round_anew():
    lane = Lane(8)
    await refuse(lane)
    for _ in range(3):
        await succeed(lane)
    await refuse(lane)
    await succeed(lane)
    assert lane.size == 2


async def test_successes_of_calls_sent_before_the_pause_do_not_count():
    lane = Lane(2)
    first, second = await held(lane, 2)
    first.refused()
    assert second.sent is not None
    lane.succeeded(second.sent)
    assert lane.size == 1
    await asyncio.gather(first.end(), second.end())
    await refuse(lane)
    assert await waited(lane) >= 1.9  # the second pause in a row


# How long


async def test_without_a_retry_after_pauses_double():
    lane = Lane(1)
    for least in (1, 2, 4, 8):
        began = asyncio.get_running_loop().time()
        await refuse(lane)
        await waited(lane)
        assert (asyncio.get_running_loop().time() - began) / SCALE >= least - 0.1


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("pauses", "seconds"), [(1, 1), (2, 3), (3, 7), (4, 15), (5, 31), (6, 61), (7, 91)])
async def test_pauses_double_from_1_to_30_seconds(pauses: int, seconds: int):
    lane = Lane(1)
    for _ in range(pauses):
        await refuse(lane)
    assert lane._row_s == seconds


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("retry_after_s", "pauses"),
    [
        (None, PAUSES),
        (0.3, 1503),  # 0.3 * (1 + 1.1 + … + 1.9) + 1493 * 0.6 = 900.15: never longer than twice
        (1.0, 453),
        (30.0, 18),
        (50.0, 12),
        (100.0, 7),
        (120.0, 7),
        (121.0, 1),
        (1e30, 1),
    ],
)
async def test_the_lane_closes_after_900_seconds_of_pauses_in_a_row(retry_after_s, pauses):
    assert await pauses_until_closed(Lane(4), retry_after_s) == pauses


@pytest.mark.usefixtures("at_once")
async def test_a_success_ends_the_row():
    lane = Lane(4)
    for _ in range(3):
        for _ in range(PAUSES - 1):
            await refuse(lane)
        await succeed(lane)
    assert await pauses_until_closed(lane) == PAUSES


@pytest.mark.usefixtures("at_once")
async def test_the_reason_says_which_limit_closed_the_lane():
    short, long = Lane(1), Lane(1)
    await pauses_until_closed(short, None)
    await pauses_until_closed(long, 300)
    assert short.closed == "the rate limit went on for more than 900 s"
    assert long.closed == "the server asks to wait 300 s: more than 120"


# Closed


async def test_a_closed_lane_defers_those_that_wait_and_those_that_come():
    lane = Lane(1)
    first, *waiting = await held(lane, 4)
    first.refused(121)
    for call in (*waiting, *await held(lane, 2)):
        with pytest.raises(Deferred, match="asks to wait 121 s"):
            await call.task
    await first.end()
    assert lane.in_flight == 0


async def test_a_lane_that_closes_during_a_pause_lets_nobody_wait_for_its_end():
    lane = Lane(1)
    await refuse(lane, 100)
    [waiting] = await held(lane, 1)
    lane.close("stop")
    with pytest.raises(Deferred, match="stop"):
        await asyncio.wait_for(waiting.task, 90 * SCALE)


async def test_a_lane_that_closes_defers_a_call_whose_place_was_given_in_the_same_moment():
    lane = Lane(1)
    first, second = await held(lane, 2)
    first.let_go()
    await steps(1)
    assert (lane.in_flight, second.sent) == (1, None)
    lane.close("stop")
    with pytest.raises(Deferred, match="stop"):
        await second.task
    assert second.sent is None
    assert lane.in_flight == 0


async def test_calls_in_flight_end_well_in_a_closed_lane():
    lane = Lane(2)
    calls = await held(lane, 2)
    lane.close("stop")
    for call in calls:
        await call.end()
    assert lane.in_flight == 0


async def test_the_first_reason_stands():
    lane = Lane(1)
    lane.close("first")
    lane.close("second")
    with pytest.raises(Deferred, match="first"):
        await succeed(lane)


async def test_a_cancelled_call_is_cancelled_even_as_the_lane_closes():
    lane = Lane(1)
    _, waiting = await held(lane, 2)
    waiting.task.cancel()
    lane.close("stop")
    await asyncio.wait([waiting.task])
    assert waiting.task.cancelled()


# Whatever happens


class Watched(Lane):
    """Notes where one more call was let in than may be in flight."""

    exceeded = False

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "in_flight" and value > getattr(self, "in_flight", 0) and value > self.size:
            self.exceeded = True
        super().__setattr__(name, value)


ENDS = st.sampled_from(["success", "failure", "refusal", "refusal at its word"])
CALLS = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 4), ENDS, st.none() | st.integers(0, 20)), max_size=25
)


async def call(lane: Lane, begins: int, lasts: int, end: str) -> None:
    await steps(begins)
    async with lane.slot() as sent:
        await steps(lasts)
        if end == "success":
            lane.succeeded(sent)
        elif end.startswith("refusal"):
            lane.refused(sent, 0.3 if end.endswith("word") else None)


async def cancelled(task: "asyncio.Task[None]", after: int | None) -> None:
    if after is not None:
        await steps(after)
        task.cancel()


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 5), CALLS, st.none() | st.integers(0, 20))
def test_no_call_too_many_is_let_in_and_no_place_is_lost(concurrency, calls, closes):
    """Under any order of ends, refusals and cancellations."""

    async def main() -> None:
        lane = Watched(concurrency)
        tasks = [asyncio.create_task(call(lane, *plan)) for *plan, _ in calls]
        cancelling = [cancelled(task, after) for task, (*_, after) in zip(tasks, calls, strict=True)]
        await asyncio.gather(*cancelling)
        if closes is not None:
            await steps(closes)
            lane.close("stop")
        ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        assert not lane.exceeded
        assert lane.in_flight == 0
        assert {type(end) for end in ends} <= {type(None), asyncio.CancelledError, Deferred}
        if not lane.closed:
            after = await held(lane, lane.size + 1)
            await let_in(after[0])
            await steps(2)
            assert [one.sent is None for one in after] == [False] * lane.size + [True]
            for one in after:
                one.task.cancel()
            await asyncio.wait([one.task for one in after])

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DOCMILL_RETRY_SCALE", "0.002")
        asyncio.run(main())


# The breaker


async def fail(lane: Lane, times: int = 1) -> None:
    for _ in range(times):
        async with lane.slot() as sent:
            lane.failed(sent)


async def test_ten_failures_in_a_row_keep_the_next_call_waiting():
    lane = Lane(8)
    await fail(lane, 9)
    assert await waited(lane) < 5
    await fail(lane)
    assert 30 <= await waited(lane) < 40


async def test_an_answer_begins_the_count_anew():
    lane = Lane(8)
    await fail(lane, 9)
    await succeed(lane)
    await fail(lane, 9)
    assert await waited(lane) < 5


async def test_after_a_break_one_call_alone_finds_out_whether_the_server_is_back():
    lane = Lane(8)
    await fail(lane, 10)
    calls = await held(lane, 8)
    sent = await let_in(min(calls, key=lambda call: call.sent or 0))
    await asyncio.sleep(0.05)
    assert [call.sent for call in calls if call.sent] == [sent]
    lane.succeeded(sent)
    await steps(3)
    assert all(call.sent for call in calls)
    for call in calls:
        await call.end()


async def test_each_break_is_twice_the_last_and_the_third_failed_probe_closes_the_lane(at_once: None):
    lane = Lane(8)
    await fail(lane, 10)
    breaks = []
    while not lane.closed:
        breaks.append(lane._pause_s)
        await fail(lane)
    assert breaks == [30, 60, 120]
    with pytest.raises(Deferred, match="went on failing"):
        await fail(lane)


async def test_calls_that_were_sent_before_the_break_are_no_probes():
    lane = Lane(20)
    calls = await held(lane, 20)
    for call in calls:
        assert call.sent is not None
        lane.failed(call.sent)
        await call.end()
    assert (lane.closed, lane._pause_s) == (None, 30)


async def test_a_server_that_was_never_heard_of_gets_few_calls_at_first():
    lane = Lane(100)
    calls = await held(lane, 100)
    assert lane.in_flight == 64
    first = calls[0]
    assert first.sent is not None
    lane.succeeded(first.sent)
    await first.end()
    await steps(3)
    assert lane.in_flight == 99
    for call in calls:
        await call.end()


async def test_a_rate_limits_halving_outlasts_a_break(at_once: None):
    lane = Lane(8)
    await succeed(lane)
    await refuse(lane)
    assert lane.size == 4
    await fail(lane, 10)
    assert lane.size == 1
    async with lane.slot() as sent:
        lane.answered(sent)
    assert lane.size == 4


# Lanes that share a room


async def shared(calls: int) -> tuple[Lane, list[Held], Held]:
    """Fill the room with calls of one lane, and give the other lane with a call that waits for a place."""
    room = asyncio.Semaphore(calls)
    first = await held(Lane(calls, room), calls)
    lane = Lane(calls, room)
    [waiting] = await held(lane, 1)
    assert all(call.sent is not None for call in first)
    return lane, first, waiting


async def test_no_more_calls_are_in_flight_in_all_lanes_than_the_room_has_places():
    _, [first, *others], waiting = await shared(2)
    assert waiting.sent is None
    await first.end()
    assert await let_in(waiting) > 0
    for call in (*others, waiting):
        await call.end()


async def test_a_call_that_waits_for_a_place_is_deferred_where_its_lane_closes():
    lane, [first], waiting = await shared(1)
    lane.close("stopped")
    await first.end()
    with pytest.raises(Deferred, match="stopped"):
        await waiting.end()
    assert lane.in_flight == 0


async def test_a_call_that_waits_for_a_place_waits_for_its_lanes_pause_too():
    lane, [first], waiting = await shared(1)
    lane.refused(asyncio.get_running_loop().time(), 1)
    began = asyncio.get_running_loop().time()
    await first.end()
    assert (await let_in(waiting) - began) / SCALE >= 0.9
    await waiting.end()


async def test_a_call_that_is_cancelled_while_it_waits_for_a_place_leaves_its_lane():
    lane, [first], waiting = await shared(1)
    waiting.task.cancel()
    await asyncio.gather(waiting.task, return_exceptions=True)
    assert lane.in_flight == 0
    await first.end()
    [after] = await held(lane, 1)
    assert after.sent is not None
    await after.end()
