"""The purse of a run with a budget: opened with its session, and written to the end."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from docmill.flows.observe.observer import Observer
from docmill.schemas.budget import Budget
from docmill.schemas.errors import StorageError
from docmill.tasks.chat.purse import Purse
from docmill.tasks.chat.session import Session
from docmill.tasks.sinks.results import Results


@asynccontextmanager
async def within(
    budget: Budget | None,
    session: Session,
    results: Results,
    run_id: str,
    observer: Observer,
    fail: Callable[[StorageError], None],
) -> AsyncIterator[None]:
    """Let the session's calls reserve what they cost while the block runs, where there is a budget.

    `fail` takes what keeps the last of it from being written.
    """
    if budget is None:
        yield
        return
    move = partial(results.spending.move, run_id, budget)
    session.purse = Purse(move, budget, session.over_budget, observer.nearly_spent, session.waits)
    try:
        yield
    finally:
        try:
            await session.purse.close()
        except StorageError as error:
            fail(error)
