"""Cached calls a second from two workers on one PostgreSQL: `python -m benchmarks.shared_cache URL`.

A cached call here is what the cache does of it: a key is locked, its record read, its lock let go; no task
run of Prefect's is in it. Beside it the bare loop: the same workers select the same records by their keys,
one after the other.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import psycopg

from docmill.tasks.chat.database_cache import DatabaseCache

RECORDS, CALLS, WORKERS = 2_000, 10_000, 2
RECORD = json.dumps({"text": "x" * 2_000}).encode()


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def key(number: int) -> str:
    """Name a record."""
    return f"chat/v1/00/{number % RECORDS * 0x9E3779B97F4A7C15 % 2**64:016x}{number % RECORDS:048x}"


async def through_the_cache(url: str, worker: int, at_once: int) -> None:
    """Make a worker's calls, so many at a time."""
    cache = DatabaseCache(url)
    numbers = iter(range(worker, CALLS * WORKERS, WORKERS))

    async def one_after_the_other() -> None:
        for number in numbers:
            while not await cache.lock(key(number)):
                await asyncio.sleep(0.01)
            await cache.read(key(number))
            cache.unlock(key(number))

    await asyncio.gather(*(one_after_the_other() for _ in range(at_once)))


async def bare(url: str, worker: int, _: int) -> None:
    """Select the same records."""
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(worker, CALLS * WORKERS, WORKERS):
            connection.execute(
                "SELECT record FROM docmill__completions WHERE key = %s", (key(number),)
            ).fetchone()


WAYS: dict[str, Callable[[str, int, int], Awaitable[None]]] = {"cache": through_the_cache, "bare": bare}


def rate(url: str, way: str, at_once: int) -> float:
    """Let the workers run; gives their calls a second in sum, from when all have begun."""
    command = [sys.executable, "-m", "benchmarks.shared_cache", url, way, str(at_once)]
    begin = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    workers = [subprocess.Popen([*command, str(number)], **begin) for number in range(WORKERS)]  # type: ignore[call-overload]
    for worker in workers:
        worker.stdout.readline()
    begun = time.perf_counter()
    for worker in workers:
        worker.communicate(b"\n")
    return CALLS * WORKERS / (time.perf_counter() - begun)


async def fill(url: str) -> None:
    """Write the records, at once."""
    cache = DatabaseCache(url)
    begun = time.perf_counter()
    await asyncio.gather(*(cache.write(key(number), RECORD) for number in range(RECORDS)))
    say(f"written, as many at once as there are: {RECORDS / (time.perf_counter() - begun):,.0f} a second")


def main() -> None:
    """Measure, or be a worker."""
    url, *worker = sys.argv[1:]
    if worker:
        say("ready")
        sys.stdin.readline()
        asyncio.run(WAYS[worker[0]](url, int(worker[2]), int(worker[1])))  # type: ignore[arg-type]
        return
    asyncio.run(fill(url))
    say(f"bare loop, {WORKERS} workers: {rate(url, 'bare', 1):,.0f} a second")
    for at_once in (1, 8, 64):
        say(f"cached calls, {WORKERS} workers of {at_once}: {rate(url, 'cache', at_once):,.0f} a second")


if __name__ == "__main__":
    main()
