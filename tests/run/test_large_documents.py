"""Memory does not grow with how large documents are: few large rows are taken ahead, few large files read."""

import asyncio
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from docmill.flows.run.intake import intake
from docmill.flows.run.room import MOST_BYTES, Room
from docmill.flows.shards.listing import _listed
from docmill.tasks.sources.files import MAX_BYTES, listed
from docmill.tasks.sources.reading import RowRef
from docmill.tasks.sources.remote import Access, ObjectRef
from docmill.tasks.sources.urls import Address
from docmill.tasks.sources.weights import MOST_LISTED_BYTES, UNLISTED_BYTES, read_bytes

LARGE = 1_000_000
ROWS = 220  # the first batch, and one more
PLAN: Any = SimpleNamespace(refresh=True, released=False, limit=None)


class Results:
    """Results that know nothing yet; `added` is how many bytes were written down together, at most."""

    added = 0

    def has_quarantined(self) -> bool:
        return False

    def has_decisions(self) -> bool:
        return False

    def add_work(self, run_id: str, some: Any) -> None:
        """Note how much it is."""
        self.added = max(self.added, sum(sys.getsizeof(each.text) for each in some))


RESULTS: Any = Results()


class Source(Iterator[RowRef]):
    """Rows whose texts are so long, and how many were taken."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.taken = 0

    def __next__(self) -> RowRef:
        if self.taken == ROWS:
            raise StopIteration
        self.taken += 1
        return RowRef(str(self.taken), "sqlite:///t.db", "x" * self.length, None)


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


async def ahead(source: Source) -> int:
    """Read it to its end; gives how many rows were in memory at most that nobody had asked for."""
    most = 0
    given: AsyncIterator[Any] = intake(source, PLAN, RESULTS)
    async for number, _ in _numbered(given):
        most = max(most, source.taken - number)
    return most


async def _numbered(given: AsyncIterator[Any]) -> AsyncIterator[tuple[int, Any]]:
    number = 0
    async for each in given:
        number += 1
        yield number, each


async def test_of_large_rows_few_are_taken_ahead():
    assert await ahead(Source(10)) == 199
    assert await ahead(Source(LARGE)) < MOST_LISTED_BYTES / LARGE


@pytest.mark.usefixtures("traced")
async def test_large_rows_take_no_more_memory_than_are_taken_ahead():
    await ahead(Source(LARGE))
    assert tracemalloc.get_traced_memory()[1] < 4 * MOST_LISTED_BYTES  # those before, and those after


@pytest.mark.usefixtures("traced")
async def test_large_rows_are_written_down_for_shards_few_at_a_time():
    never = SimpleNamespace(is_set=lambda: False)
    run: Any = SimpleNamespace(refs=Source(LARGE), plan=PLAN, row=SimpleNamespace(run_id="r"))
    run.session = SimpleNamespace(ending=never)
    assert await _listed(run, RESULTS) == ROWS
    assert RESULTS.added < MOST_LISTED_BYTES + 2 * LARGE
    assert tracemalloc.get_traced_memory()[1] < 4 * MOST_LISTED_BYTES


async def test_large_documents_wait_until_there_is_memory_for_them():
    room, entered = Room(documents=100), 0

    async def enter() -> None:
        nonlocal entered
        await room.enter(MAX_BYTES)
        entered += 1

    waiting = [asyncio.create_task(enter()) for _ in range(20)]
    await asyncio.sleep(0)
    assert entered == MOST_BYTES // MAX_BYTES == 12
    for _ in range(8):
        room.leave(MAX_BYTES)
    await asyncio.gather(*waiting)


async def test_so_many_small_documents_are_let_in_as_may_be_under_way():
    room = Room(documents=2)
    await room.enter(1)
    await room.enter(1)
    third = asyncio.create_task(room.enter(1))
    await asyncio.sleep(0)
    assert not third.done()
    room.leave(1)
    await third


async def test_one_document_alone_is_let_in_whatever_its_size():
    await Room(documents=2).enter(2 * MOST_BYTES)


def test_a_document_weighs_what_it_holds_once_it_is_read(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes(bytes(5000))
    [file] = listed([f"{tmp_path}/*.txt"])
    row = RowRef("1", "u", "x" * 1000, None)
    assert read_bytes(file) == 5000
    assert 1000 < read_bytes(row) < 1100
    assert read_bytes(RowRef("1", "u", "x" * 1000, None, file)) == 5000 + read_bytes(row)
    (tmp_path / "a.txt").unlink()
    assert read_bytes(file) == 0


@pytest.mark.parametrize(("size", "weighs"), [(5, 5), (10**9, MAX_BYTES), (None, UNLISTED_BYTES)])
def test_an_object_weighs_what_its_store_says_of_it(size: int | None, weighs: int):
    """One that a shard has, or that a row names, was not listed: many are read at the same time, too."""
    address = Address("s3", "bucket", "a.txt")
    assert read_bytes(ObjectRef("s3://bucket/a.txt", address, size, Access())) == weighs
    assert MOST_BYTES / UNLISTED_BYTES >= 200
