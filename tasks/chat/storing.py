"""Stores that outlive their call: a reply that was paid for is kept where it was cancelled, too."""

import asyncio
from collections.abc import Coroutine
from typing import Any

PATIENCE_S = 10.0

_under_way: set["asyncio.Task[None]"] = set()


async def stored(store: Coroutine[Any, Any, None]) -> None:
    """Wait for a store, which goes on where the wait is cancelled."""
    task = asyncio.create_task(store)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    await asyncio.shield(task)


async def settled() -> None:
    """Wait for the stores that are under way in this loop, so long at most."""
    loop = asyncio.get_running_loop()
    if own := {task for task in _under_way if task.get_loop() is loop}:
        await asyncio.wait(own, timeout=PATIENCE_S)
