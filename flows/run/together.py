"""Requests of one step that are made at the same time, and what weighs most of their failures."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from docmill.flows.run.failures import status
from docmill.schemas.errors import ChatError, Unreadable

Made = TypeVar("Made")


async def all_of(*awaited: Awaitable[Any]) -> list[Any]:
    """Wait for all of them, as each may be paid for, and raise what weighs most of their failures."""
    results = await asyncio.gather(*awaited, return_exceptions=True)
    failures = [each for each in results if isinstance(each, BaseException)]
    if failures:
        raise max(failures, key=_weight)
    return results


async def bounded(
    most: int, makers: Iterable[Callable[[], Awaitable[Made]]], *, to_the_end: bool
) -> list[Made]:
    """Make so many at the same time, at most; once one fails none is begun, unless `to_the_end`.

    Raises what weighs most of the failures.
    """
    room, failed = asyncio.Semaphore(most), asyncio.Event()

    async def made(make: Callable[[], Awaitable[Made]]) -> Any:
        async with room:
            if failed.is_set() and not to_the_end:
                return None
            try:
                return await make()
            except BaseException:
                failed.set()
                raise

    return await all_of(*(made(make) for make in makers))


def _weight(failure: BaseException) -> int:
    """Rank failures: what ends the run comes first, then what defers the document."""
    if not isinstance(failure, ChatError | Unreadable):
        return 2
    return int(status(failure) == "deferred")
