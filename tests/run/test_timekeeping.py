"""A run's timeline and totals are kept while it goes on, so that a run that is killed has them."""

import asyncio

import pytest
from sqlalchemy import text

from docmill.flows.observe.progress import RunProgress
from docmill.flows.run.timekeeping import timekept
from docmill.schemas.outcome import Run
from docmill.schemas.pipeline import Into, Limits
from docmill.tasks.chat.session import session
from docmill.tasks.sinks.database import engine_of
from docmill.tasks.sinks.results import Results
from tests.support.asking import target
from tests.support.outcomes import numbered
from tests.support.planted import STARTED

ROW = Run(run_id="r", pipeline="p", pipeline_sha256="h", endpoint="e", model="m", started_at=STARTED)
TARGET = target("http://127.0.0.1:9/v1")


async def test_it_is_kept_before_the_run_ends_and_as_it_ended(database: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("docmill.flows.run.timekeeping.EVERY_S", 0.01)
    results = Results.open(Into(url=database), "p", {})
    async with session(TARGET, Limits()) as opened:
        async with timekept(opened, results, ROW, ROW.run_id, RunProgress()):
            opened.recorder.add("calls", 1)
            async with asyncio.timeout(30):
                while (kept := results.timelines.of_run("r")) is None or not sum(kept.calls):
                    await asyncio.sleep(0.01)
            opened.recorder.add("calls", 1)
        ended = results.timelines.of_run("r")
    assert ended is not None
    assert sum(ended.calls) == 2


async def test_what_it_has_come_to_stands_in_its_row_while_it_goes_on(
    database: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("docmill.flows.run.timekeeping.EVERY_S", 0.01)
    results, progress = Results.open(Into(url=database), "p", {}), RunProgress()
    results.begin(ROW)
    async with session(TARGET, Limits()) as opened, timekept(opened, results, ROW, ROW.run_id, progress):
        progress.documents_in = 2
        progress.add(numbered(1, cost_usd=0.25, calls=3))
        async with asyncio.timeout(30):
            while not (row := results.run("r")) or not row["cost_usd"]:
                await asyncio.sleep(0.01)
    assert (row["state"], row["documents_in"], row["done"]) == ("running", 2, 1)
    assert (row["cost_usd"], row["calls"]) == (0.25, 3)


async def test_a_timeline_that_cannot_be_kept_fails_no_run(database: str):
    results = Results.open(Into(url=database), "p", {})
    with engine_of(database).begin() as connection:
        connection.execute(text("drop table docmill__timelines"))
    async with session(TARGET, Limits()) as opened, timekept(opened, results, ROW, ROW.run_id, RunProgress()):
        pass
    assert results.timelines.of_run("r") is None
