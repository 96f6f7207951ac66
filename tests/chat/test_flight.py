"""Single flight alone: one holder a key, in one process and in two, whatever becomes of the holder."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import pytest

from docmill.schemas.errors import StorageError
from docmill.tasks.chat.bytelock import lock_byte, unlock_byte
from docmill.tasks.chat.flight import SingleFlight
from docmill.tasks.chat.kept import Cache, DirectoryCache

A, B = (f"chat/v1/{digit * 2}/{digit * 64}" for digit in "ab")
DIGEST = A.rpartition("/")[2]
OTHER_PROCESS = """
import sys, time
from docmill.tasks.chat.kept import default_cache

cache, key = default_cache(), sys.argv[1]
print("begun", flush=True)
while not cache.try_lock(key):
    time.sleep(0.005)
print("locked", flush=True)
sys.stdin.readline()
"""
Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a cache that is a directory, where what is tested is how its file is locked."""
    monkeypatch.setenv("DOCMILL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def flight(shared: Cache) -> SingleFlight:
    return SingleFlight(lambda: shared)


@pytest.fixture
def other() -> Iterator[Begin]:
    """Begin processes that lock a key of the cache until they are told to end, or killed."""
    begun = []

    def begin(key: str = A) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", OTHER_PROCESS, key]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        return process

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def locked(process: "subprocess.Popen[str]") -> None:
    """Wait until the other process holds its byte."""
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"


async def steps(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


class Call:
    """A task that holds a key until it is told to let go, or to end without a word."""

    def __init__(self, flight: SingleFlight, key: str = A) -> None:
        self.flight, self.key = flight, key
        self.holder = f"holder {id(self)}"
        self.held = asyncio.Event()
        self._end = asyncio.Event()
        self._releases = True
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await self.flight.aacquire_lock(self.key, self.holder)
        self.held.set()
        await self._end.wait()
        if self._releases:
            self.flight.release_lock(self.key, self.holder)
            await steps(5)

    async def end(self, *, releases: bool = True) -> None:
        """End the task, with or without giving the lock back."""
        self._releases = releases
        self._end.set()
        await self.task


async def begun(flight: SingleFlight, *keys: str) -> list[Call]:
    """Begin a call for each key; those that need not wait hold theirs."""
    calls = [Call(flight, key) for key in keys]
    for key in set(keys):
        await asyncio.wait_for(next(call for call in calls if call.key == key).held.wait(), 5)
    return calls


def holding(calls: list[Call]) -> list[bool]:
    return [call.flight.is_lock_holder(call.key, call.holder) for call in calls]


# In one process


async def test_a_key_is_held_by_one_and_handed_on_in_the_order_they_came(flight: SingleFlight):
    calls = await begun(flight, A, A, A, A)
    for number, call in enumerate(calls):
        await asyncio.wait_for(call.held.wait(), 5)
        assert holding(calls) == [other is call for other in calls]
        assert [other.held.is_set() for other in calls] == [True] * (number + 1) + [False] * (3 - number)
        await call.end()
    assert not flight.is_locked(A)


async def test_nobody_slips_in_as_a_key_is_handed_on(flight: SingleFlight):
    first, second = await begun(flight, A, A)
    flight.release_lock(A, first.holder)
    late = Call(flight)
    assert flight.is_locked(A)
    await asyncio.wait_for(second.held.wait(), 5)
    assert not late.held.is_set()
    await second.end()
    await asyncio.wait_for(late.held.wait(), 5)


async def test_keys_do_not_disturb_each_other(flight: SingleFlight):
    calls = await begun(flight, A, B, A, B)
    assert holding(calls) == [True, True, False, False]
    await calls[0].end()
    await asyncio.wait_for(calls[2].held.wait(), 5)
    assert holding(calls) == [False, True, True, False]


async def test_the_holder_may_ask_again(flight: SingleFlight):
    async def main() -> None:
        assert await flight.aacquire_lock(A, "me")
        assert await flight.aacquire_lock(A, "me")
        flight.release_lock(A, "me")
        assert not flight.is_locked(A)

    await asyncio.wait_for(main(), 5)


async def test_a_waiter_that_is_cancelled_does_not_block_the_key(flight: SingleFlight):
    first, second, third = await begun(flight, A, A, A)
    second.task.cancel()
    await asyncio.wait([second.task])
    await first.end()
    await asyncio.wait_for(third.held.wait(), 5)
    assert not second.held.is_set()


async def test_a_waiter_that_is_cancelled_as_its_turn_comes_hands_the_key_on(flight: SingleFlight):
    first, second, third = await begun(flight, A, A, A)
    flight.release_lock(A, first.holder)
    second.task.cancel()
    await asyncio.wait_for(third.held.wait(), 5)
    assert not second.held.is_set()
    await third.end()
    assert not flight.is_locked(A)


@pytest.mark.parametrize("waiting", [0, 1])
async def test_a_holder_that_ends_without_a_word_frees_the_key(flight: SingleFlight, waiting: int):
    first, *others = await begun(flight, A, *[A] * waiting)
    await first.end(releases=False)
    await steps(5)
    for other in others:
        await asyncio.wait_for(other.held.wait(), 5)
        await other.end()
    assert not flight.is_locked(A)


async def test_a_holder_that_is_cancelled_frees_the_key(flight: SingleFlight, other: Begin):
    first, second = await begun(flight, A, A)
    first.task.cancel()
    await asyncio.wait_for(second.held.wait(), 5)
    second.task.cancel()
    await asyncio.wait([second.task])
    locked(other())


async def test_a_holder_that_is_late_frees_nothing_of_the_next(flight: SingleFlight):
    first, second = await begun(flight, A, A)
    flight.release_lock(A, first.holder)
    await asyncio.wait_for(second.held.wait(), 5)
    flight.release_lock(A, first.holder)
    await first.end()
    assert holding([first, second]) == [False, True]


async def test_who_lets_go_twice_lets_one_in(flight: SingleFlight):
    first, second, third = await begun(flight, A, A, A)
    for _ in range(2):
        flight.release_lock(A, first.holder)
    await asyncio.wait_for(second.held.wait(), 5)
    assert holding([first, second, third]) == [False, True, False]


async def test_a_reader_waits_until_nobody_holds_the_key(flight: SingleFlight):
    [holder] = await begun(flight, A)
    reader = asyncio.create_task(flight.await_for_lock(A))
    assert await flight.await_for_lock(B)
    assert not await flight.await_for_lock(A, timeout=0.05)
    assert not reader.done()
    await holder.end()
    assert await asyncio.wait_for(reader, 5)


async def test_a_copy_is_the_same_lock(flight: SingleFlight):
    """Prefect copies the policy that it is part of."""
    await begun(flight, A)
    assert deepcopy(flight).is_locked(A)


async def test_it_is_for_async_tasks_alone(flight: SingleFlight):
    with pytest.raises(NotImplementedError):
        flight.acquire_lock(A, "me")
    with pytest.raises(NotImplementedError):
        flight.wait_for_lock(A)


async def test_a_thousand_tasks_and_as_many_cancellations_leave_nothing_behind(
    flight: SingleFlight, other: Begin
):
    inside = {A: 0, B: 0}
    most = 0

    async def call(number: int, key: str) -> None:
        nonlocal most
        await steps(number % 7)
        await flight.aacquire_lock(key, str(number))
        inside[key] += 1
        most = max(most, inside[key])
        try:
            await steps(number % 3)
        finally:
            inside[key] -= 1
        if number % 5:
            flight.release_lock(key, str(number))

    tasks = [asyncio.create_task(call(number, (A, B)[number % 2])) for number in range(1000)]
    for number, task in enumerate(tasks):
        if number % 4 == 0:
            await steps(1)
            task.cancel()
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
    await steps(5)
    assert most == 1
    assert not flight.is_locked(A)
    assert not flight.is_locked(B)
    locked(other())


# In two processes


async def test_a_key_that_another_process_holds_is_waited_for(flight: SingleFlight, other: Begin):
    holder = other()
    locked(holder)
    call = Call(flight)
    await asyncio.sleep(0.1)
    assert not call.held.is_set()
    holder.communicate("\n")
    await asyncio.wait_for(call.held.wait(), 5)


async def test_a_process_waits_for_a_key_that_is_held_here(flight: SingleFlight, other: Begin):
    [call] = await begun(flight, A)
    waiter = other()
    with pytest.raises(subprocess.TimeoutExpired):
        waiter.wait(0.2)
    assert call.held.is_set()
    await call.end()
    locked(waiter)


async def test_kill_9_of_the_holder_frees_the_key(flight: SingleFlight, other: Begin):
    holder = other()
    locked(holder)
    call = Call(flight)
    await asyncio.sleep(0.05)
    assert not call.held.is_set()
    os.kill(holder.pid, signal.SIGKILL)
    await asyncio.wait_for(call.held.wait(), 5)


async def test_another_key_is_free_while_a_process_holds_one(flight: SingleFlight, other: Begin):
    locked(other())
    [call] = await begun(flight, B)
    assert call.held.is_set()


async def test_who_is_cancelled_while_another_process_holds_the_key_lets_the_next_wait(
    flight: SingleFlight, other: Begin
):
    holder = other()
    locked(holder)
    first, second = Call(flight), Call(flight)
    await steps(3)
    first.task.cancel()
    await asyncio.wait([first.task])
    await steps(5)
    assert not second.held.is_set()
    holder.communicate("\n")
    await asyncio.wait_for(second.held.wait(), 5)
    assert not first.held.is_set()


async def test_only_its_own_byte_is_freed(flight: SingleFlight, other: Begin):
    """Closing any descriptor of the file would free them all."""
    calls = await begun(flight, A, B)
    waiter = other(B)
    await calls[0].end()
    with pytest.raises(subprocess.TimeoutExpired):
        waiter.wait(0.2)
    await calls[1].end()
    locked(waiter)


def test_sixty_bits_of_the_digest_choose_the_byte(directory: Path, other: Begin):
    """The largest offset there is fits; the rest of the digest does not count."""
    largest, file = "f" * 64, directory / "locks"
    locked(other(largest))
    assert not lock_byte(file, "f" * 15 + "0" * 49)
    assert lock_byte(file, "f" * 14 + "e" + "0" * 49)
    unlock_byte(file, "f" * 14 + "e" + "0" * 49)
    assert file.stat().st_size == 0


async def test_the_file_is_private(directory: Path):
    await begun(SingleFlight(lambda: DirectoryCache(directory)), A)
    assert (directory / "locks").stat().st_mode & 0o777 == 0o600


async def test_a_run_that_moves_its_cache_frees_the_key_where_it_was(
    shared: Cache, tmp_path: Path, other: Begin
):
    caches = [shared, DirectoryCache(tmp_path / "elsewhere")]
    flight = SingleFlight(lambda: caches[0])
    [call] = await begun(flight, A)
    caches.reverse()
    await call.end()
    locked(other())


async def test_a_cache_that_is_gone_holds_nobody_up(shared: Cache):
    """Who has begun to wait gets the key, though the cache can no longer be asked for."""
    there = [shared]
    flight = SingleFlight(lambda: there[0])
    first, second = Call(flight), Call(flight)
    await asyncio.wait_for(first.held.wait(), 5)
    there.clear()
    await first.end()
    await asyncio.wait_for(second.held.wait(), 5)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Give up root's right to every file for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path):
    tmp_path.chmod(0o500)
    with unprivileged(), pytest.raises(StorageError, match="locks cannot be opened: Permission denied"):
        lock_byte(tmp_path / "locks", DIGEST)


def test_a_file_in_no_directory_is_told(tmp_path: Path):
    with pytest.raises(StorageError, match="cannot be opened: No such file"):
        lock_byte(tmp_path / "none" / "locks", DIGEST)
