"""The windows alone, by a clock of the test's: what any minute holds, and how long a call waits."""

import asyncio
import multiprocessing
import os
import stat
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tasks.chat.window_file import SharedWindows, window_file
from docmill.tasks.chat.windows import AHEAD, PARTS, Rates, State

Call = tuple[float, float]  # windows after the one before, tokens

calls = st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 500)), min_size=1, max_size=60)
limits = st.builds(Rates, requests=st.floats(1, 50), tokens=st.floats(10, 1000))


def went(calls: Sequence[Call], rates: Rates) -> list[tuple[float, float, float]]:
    """Give for each call when it came, when it went and the tokens that it took: each waits for its slot."""
    state, now, told = State(), 100.0, []
    for after, tokens in calls:
        now += after
        slot = state.take(now, rates, tokens)
        assert slot.part is not None
        told.append((now, now + slot.wait_s, slot.tokens))
        now += slot.wait_s
    return told


@given(calls, limits)
def test_no_window_holds_more_than_its_limits(calls: Sequence[Call], rates: Rates):
    sent = [(went, tokens) for _, went, tokens in went(calls, rates)]
    for begin, _ in sent:
        within = [tokens for moment, tokens in sent if begin <= moment < begin + 1]
        assert len(within) <= rates.requests
        assert sum(within) <= rates.tokens + 1e-6


@given(calls, limits)
def test_a_call_waits_for_a_window_at_most_once_those_before_it_went(calls: Sequence[Call], rates: Rates):
    assert all(at - came <= 1 + 3 / PARTS for came, at, _ in went(calls, rates))


@given(st.lists(st.floats(0, 500), min_size=2, max_size=40), limits)
def test_slots_are_given_in_the_order_of_arrival(tokens: Sequence[float], rates: Rates):
    state = State()
    slots = [state.take(100.0, rates, each) for each in tokens]
    waits = [slot.wait_s for slot in slots if slot.part is not None]
    assert waits == sorted(waits)
    assert max(waits) <= (AHEAD + 1) / PARTS


def test_a_full_load_uses_more_than_95_percent_of_the_tighter_limit():
    sent = went([(0.0, 300.0)] * 3000, Rates(requests=600, tokens=200_000))
    within = [at for _, at, _ in sent if 102 <= at < 103]
    assert 0.95 * 600 <= len(within) <= 600
    assert max(b - a for a, b in pairwise(within)) < 0.02  # it goes at a steady pace


def test_what_usage_says_was_not_needed_is_given_back():
    state, rates = State(), Rates(tokens=1000)
    slot = state.take(100.0, rates, 900)
    state.settle(100.0, rates, slot, 1, 90)
    assert state.take(100.2, rates, 800).wait_s == pytest.approx(0, abs=0.02)


def test_a_call_larger_than_a_window_goes_alone():
    state, rates = State(), Rates(tokens=1000)
    first, large, next_ = (state.take(100.0, rates, tokens) for tokens in (10, 5000, 10))
    assert (first.wait_s, large.part is not None) == (0, True)
    assert large.wait_s >= 1
    assert next_.wait_s >= large.wait_s + 1


def test_the_limit_that_holds_a_call_back_is_named():
    for rates, cause in ((Rates(2, 10_000), "requests"), (Rates(1000, 100), "tokens")):
        state = State()
        assert [state.take(100.0, rates, 40).cause for _ in range(4)][-1] == cause


async def test_a_damaged_file_and_one_of_before_a_restart_begin_anew(tmp_path: Path):
    file, rates = window_file(tmp_path, "e", "m"), Rates(requests=1)
    await SharedWindows(file, clock=lambda: 1e6).take(rates, 1)
    assert (await SharedWindows(file, clock=lambda: 1e6).take(rates, 1)).wait_s > 50
    assert (await SharedWindows(file, clock=lambda: 50.0).take(rates, 1)).wait_s == 0
    file.write_bytes(os.urandom(file.stat().st_size))
    assert (await SharedWindows(file, clock=lambda: 50.0).take(rates, 1)).wait_s == 0


async def test_the_file_is_its_owners_alone(tmp_path: Path):
    file = window_file(tmp_path, "e", "m")
    await SharedWindows(file).take(Rates(requests=1), 1)
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)


def _taking(file: Path, times: int) -> None:
    async def take() -> None:
        windows = SharedWindows(file, clock=lambda: 1000.0)
        for _ in range(times):
            await windows.take(Rates(requests=1000), 1)

    asyncio.run(take())


async def test_processes_that_take_at_once_lose_no_take(tmp_path: Path):
    file = window_file(tmp_path, "e", "m")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_taking, args=(file, 200)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    slot = await SharedWindows(file, clock=lambda: 1000.0).take(Rates(requests=1000), 1)
    assert slot.wait_s == pytest.approx(400 / 990 * 60 * 1.01 - 0.6, abs=0.7)
