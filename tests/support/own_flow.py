"""Calls of the public API within a flow of a test's own."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from prefect import flow

Value = TypeVar("Value")


async def in_flow(call: Callable[[], Awaitable[Value]]) -> Value:
    """Await a call in a flow run."""
    given: list[Value] = []

    @flow(name="own")
    async def own() -> None:
        given.append(await call())

    await own()
    return given[0]
