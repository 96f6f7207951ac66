"""How often a call asks the databases that workers share: counted on the way to them."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from docmill.schemas.budget import Budget
from docmill.schemas.pipeline import Into
from docmill.tasks.chat import database_link
from docmill.tasks.chat.purse import Purse
from docmill.tasks.sinks.results import Results
from tests.support.asking import ask, free, target
from tests.support.cut import Relay, relayed
from tests.support.databases import lent
from tests.support.provider import Provider


@pytest.fixture
def way(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Relay, str]]:
    monkeypatch.setattr(database_link, "GRACE_S", 0.0)  # the server may have begun just now
    monkeypatch.setattr(database_link, "HEARTBEAT_S", 60.0)
    with lent(postgres) as url, relayed(url.replace("+psycopg", "")) as both:
        yield both


async def trips(way: Relay, provider: Provider, text: str, **settings: Any) -> int:
    """Count the round trips of one call alone."""
    before = way.asked
    asked = await ask(target(provider.url, **settings), free(text))
    await asked.completions()
    await asyncio.sleep(0.5)  # what is written after the call
    return way.asked - before


@pytest.mark.usefixtures("prefect_api")
async def test_a_call_takes_two_round_trips_paid_and_cached(
    provider: Provider, way: tuple[Relay, str], monkeypatch: pytest.MonkeyPatch
):
    relay, through = way
    monkeypatch.setenv("DOCMILL_CACHE", through)
    await trips(relay, provider, "opens the connection")
    assert await trips(relay, provider, "paid") == 2
    assert await trips(relay, provider, "paid") == 2
    assert len(provider.requests) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_api")
async def test_a_limit_a_minute_takes_four_more_of_a_paid_call(
    provider: Provider, way: tuple[Relay, str], monkeypatch: pytest.MonkeyPatch
):
    relay, through = way
    monkeypatch.setenv("DOCMILL_CACHE", through)
    await trips(relay, provider, "opens the connections", requests_per_minute=1000)
    assert await trips(relay, provider, "paid", requests_per_minute=1000) == 6
    assert await trips(relay, provider, "paid", requests_per_minute=1000) == 2


async def test_a_budget_takes_two_transactions_more_of_six_round_trips(way: tuple[Relay, str]):
    relay, through = way
    results = Results.open(Into(url=through), "p", {})
    budget = Budget(run_usd=Decimal(1))
    purse = Purse(partial(results.spending.move, "r", budget), budget, print, print)
    counts = list[int]()
    for _ in range(2):
        before = relay.asked
        async with purse.reserved(0.001) as reservation:
            reservation.settle(0.0005)
        await asyncio.sleep(0.5)
        counts.append(relay.asked - before)
    await purse.close()
    assert counts[-1] == 2 * 6  # the first opens the connection
