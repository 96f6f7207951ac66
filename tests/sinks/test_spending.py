"""What runs spend is reserved in the results database: side by side they keep to one budget."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from sqlalchemy import text

from docmill.schemas.budget import NANO, Budget, Settled
from docmill.schemas.errors import (
    Deferred,
    MaybeBilled,
    OverBudget,
    Permanent,
    RateLimited,
    StorageError,
    Transient,
)
from docmill.schemas.outcome import Run
from docmill.schemas.pipeline import Into
from docmill.schemas.timeline import Timeline
from docmill.tasks.chat.purse import Purse
from docmill.tasks.chat.waits import Waits
from docmill.tasks.sinks.database import engine_of
from docmill.tasks.sinks.results import Results

TODAY = date(2026, 11, 27)


def opened(url: str, pipeline: str = "p") -> Results:
    return Results.open(Into(url=url), pipeline, {})


def budget(run: str | None = None, day: str | None = None) -> Budget:
    return Budget(
        run_usd=None if run is None else Decimal(run), day_usd=None if day is None else Decimal(day)
    )


def purse(
    results: Results,
    limits: Budget,
    run_id: str = "r",
    told: list[object] | None = None,
    waits: Waits | None = None,
) -> Purse:
    said: list[object] = [] if told is None else told
    move = partial(results.spending.move, run_id, limits)
    return Purse(move, limits, said.append, lambda *nearly: said.append(nearly), waits)


def test_the_first_that_fit_are_granted(database: str):
    move = opened(database).spending.move
    balance = move("r", budget(run="0.00000001"), TODAY, [4, 5, 2, 1], [])
    assert (balance.granted, balance.run.reserved, balance.run.spent) == (2, 9, 0)
    assert move("r", budget(run="0.00000001"), TODAY, [2], []).granted == 0
    settled = [Settled(TODAY, 4, 1), Settled(TODAY, 5, 5)]
    balance = move("r", budget(run="0.00000001"), TODAY, [3, 2], settled)
    assert (balance.granted, balance.run.spent, balance.run.reserved) == (1, 6, 3)


def test_a_day_is_shared_by_all_runs_and_a_run_by_all_days(database: str):
    results = opened(database)
    tomorrow, limits = TODAY + timedelta(days=1), budget(day="0.00000001")
    assert results.spending.move("one", limits, TODAY, [6], []).granted == 1
    assert results.spending.move("two", limits, TODAY, [5], []).granted == 0
    assert results.spending.move("two", limits, tomorrow, [5], []).granted == 1
    assert opened(database, "q").spending.move("three", limits, TODAY, [9], []).granted == 1
    assert results.spending.move("two", budget(run="0.00000008"), TODAY, [4], []).run.reserved == 9


def test_runs_that_had_no_budget_count_for_their_day_once_they_have_ended(database: str):
    results = opened(database)
    run = Run(
        run_id="before",
        pipeline="p",
        pipeline_sha256="s",
        endpoint="e",
        model="m",
        started_at=datetime(2026, 11, 27, 0, 0, tzinfo=UTC),
        cost_usd=0.000000007,
    )
    results.begin(run)
    assert results.spending.move("r", budget(day="0.00000001"), TODAY, [4], []).granted == 0
    assert results.spending.move("r", budget(day="0.00000001"), TODAY, [3], []).day.taken == 10


@pytest.mark.parametrize("ended", [None, datetime(2026, 11, 27, 0, 10, tzinfo=UTC)], ids=["goes on", "ended"])
def test_of_a_run_over_midnight_without_a_budget_what_it_spent_since_counts(
    database: str, ended: datetime | None
):
    results = opened(database)
    run = Run(
        run_id="night",
        pipeline="p",
        pipeline_sha256="s",
        endpoint="e",
        model="m",
        started_at=datetime(2026, 11, 26, 23, 50, tzinfo=UTC),
        ended_at=ended,
        cost_usd=0.000000012,
    )
    results.begin(run)
    usd = (0.000000003, 0.000000004, 0.000000005)  # of ten minutes each: two of them of the new day
    for name in ("night", "nights", "night/1"):  # another run's, and a shard's
        results.timelines.keep(name, run.started_at, Timeline(slot_s=600, usd=usd))
    moved = partial(results.spending.move, "r", budget(day="0.00000002"))
    assert moved(TODAY, [3], []).granted == 0
    assert moved(TODAY, [2], []).day.taken == 20
    assert moved(TODAY + timedelta(days=1), [1], []).day.taken == 1


async def spend(purse: Purse, most: float, cost: Callable[[], float], spent: list[float]) -> None:
    """Make one call that costs something up to what was reserved."""
    try:
        async with purse.reserved(most) as reservation:
            await asyncio.sleep(random.uniform(0, 0.002))
            spent.append(cost())
            reservation.settle(spent[-1])
    except Deferred:
        return


async def test_many_calls_of_two_runs_at_once_spend_no_more_than_the_day_holds(database: str):
    results, spent, told = opened(database), list[float](), list[object]()
    purses = [purse(results, budget(day="1"), run_id, told) for run_id in ("one", "two")]
    calls = (spend(each, 0.05, lambda: random.uniform(0, 0.05), spent) for each in purses * 100)
    await asyncio.gather(*calls)
    for each in purses:
        await each.close()
    assert 0.9 < sum(spent) <= 1
    assert [type(each) for each in told].count(OverBudget) == 2
    balance = results.spending.move("r", budget(day="2"), datetime.now(UTC).date(), [], [])
    assert balance.day.reserved == 0
    assert balance.day.spent == pytest.approx(sum(spent) * NANO, abs=200)


async def test_a_call_waits_for_those_that_may_cost_less_than_was_reserved(database: str):
    told = list[object]()
    own, spent = purse(opened(database), budget(run="1"), told=told), list[float]()
    await asyncio.gather(*(spend(own, 0.9, lambda: 0.01, spent) for _ in range(10)))
    await own.close()
    assert (len(spent), told) == (10, [])


async def failing(own: Purse, error: BaseException, *, sent: bool) -> None:
    async with own.reserved(1) as reservation:
        reservation.sent = sent
        raise error


@pytest.mark.parametrize(("held", "is_held_back"), [("1", True), ("100", False)])
async def test_who_waits_for_money_is_held_back_by_the_budget(database: str, held: str, is_held_back: bool):
    waits, spent = Waits(), list[float]()
    own = purse(opened(database), budget(run=held), waits=waits)
    await asyncio.gather(*(spend(own, 0.9, lambda: 0.01, spent) for _ in range(10)))
    await own.close()
    assert bool(waits.seconds()["budget"]) == is_held_back


async def test_what_may_have_been_billed_stays_reserved_and_what_was_not_sent_does_not(database: str):
    own = purse(results := opened(database), budget(run="10"))
    billed = (MaybeBilled(), RuntimeError(), OSError(), asyncio.CancelledError())
    free = (Deferred(), Permanent(), Transient(), RateLimited())
    cases = [*((each, True) for each in (*billed, *free)), *((each, False) for each in billed)]
    for error, sent in cases:
        with pytest.raises(type(error)):
            await failing(own, error, sent=sent)
    await own.close()
    assert results.spending.move("r", budget(run="10"), TODAY, [], []).run.spent == len(billed) * NANO


async def test_a_reservation_is_durable_before_its_call(database: str):
    results = opened(database)
    own = purse(results, budget(run="10"))
    async with own.reserved(2):
        other = opened(database)
        assert other.spending.move("r", budget(run="10"), TODAY, [], []).run.reserved == 2 * NANO
    await own.close()


async def test_nine_tenths_are_told_once_for_each_budget(database: str):
    told = list[object]()
    own = purse(opened(database), budget(run="1", day="2"), told=told)
    for _ in range(19):
        async with own.reserved(0.05) as reservation:
            reservation.settle(0.05)
    await own.close()
    assert [each[0] for each in told if isinstance(each, tuple)] == ["run"]


async def test_a_call_that_is_cancelled_while_it_waits_keeps_nothing(database: str):
    own = purse(results := opened(database), budget(run="1"))
    async with own.reserved(0.9):
        waiting = asyncio.create_task(spend(own, 0.5, lambda: 0.5, []))
        await asyncio.sleep(0.05)
        waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await own.close()
    assert results.spending.move("r", budget(run="1"), TODAY, [], []).run.taken == 0


async def test_a_database_that_fails_stops_the_run(database: str):
    own = purse(opened(database), budget(run="1"))
    with engine_of(database).begin() as connection:
        connection.execute(text("DROP TABLE docmill__spending"))
    for _ in range(2):
        with pytest.raises(StorageError, match="takes no reservation"):
            async with own.reserved(0.1):
                pass
    with pytest.raises(StorageError):
        await own.close()


async def test_a_call_waits_for_what_another_run_has_reserved(database: str):
    results, spent = opened(database), list[float]()
    one, two = (purse(results, budget(day="1"), run_id) for run_id in ("one", "two"))
    async with one.reserved(0.9) as reservation:
        waiting = asyncio.create_task(spend(two, 0.5, lambda: 0.5, spent))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        reservation.settle(0.01)
    await waiting
    assert spent == [0.5]
    for each in (one, two):
        await each.close()


@pytest.mark.slow
@pytest.mark.parametrize("limits", [budget(run="1"), budget(day="1"), budget(run="1", day="9")])
async def test_a_shard_waits_as_long_as_others_of_its_run_come_to_less_than_was_reserved(
    database: str, monkeypatch: pytest.MonkeyPatch, limits: Budget
):
    """What holds it back changes, though there is as much of it each time: nobody is dead."""
    monkeypatch.setattr("docmill.tasks.chat.purse.LOOK_EVERY_S", 0.02)
    monkeypatch.setattr("docmill.tasks.chat.purse.OTHERS_AT_MOST_S", 0.5)
    results, told, spent = opened(database), list[object](), list[float]()
    one, two = (purse(results, limits, "r", told) for _ in range(2))
    for _ in range(2):
        reservation = await one._reserve(9 * NANO // 10)
        waiting = asyncio.create_task(spend(two, 0.5, lambda: 0.01, spent))
        for _ in range(4):
            await asyncio.sleep(0.2)
            reservation.settle(0.01)
            # In one transaction, as where calls follow each other closely.
            one._settle(reservation)
            reservation = await one._reserve(9 * NANO // 10)
        assert not waiting.done()
        reservation.settle(0.01)
        one._settle(reservation)
        await waiting
    for each in (one, two):
        await each.close()
    assert (told, len(spent)) == ([], 2)


async def test_a_stop_lets_nobody_wait_and_ends_for_no_budget(database: str):
    told = list[object]()
    own = purse(opened(database), budget(run="1"), told=told)
    async with own.reserved(0.9):
        waiting = asyncio.create_task(spend(own, 0.5, lambda: 0.5, []))
        await asyncio.sleep(0.2)
        own.end(Deferred("the run was stopped by SIGINT"))
        await waiting
    await own.close()
    assert told == []


async def test_what_costs_nothing_is_granted_whatever_is_spent_and_what_it_cost_is_counted(database: str):
    own = purse(results := opened(database), budget(run="1"))
    async with own.reserved(0) as reservation:
        reservation.settle(3)  # the server books money itself
    async with own.reserved(0) as reservation:
        reservation.settle(0)
    await own.close()
    assert results.spending.move("r", budget(run="1"), TODAY, [], []).run.spent == 3 * NANO
