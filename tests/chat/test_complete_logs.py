"""What is logged of task runs: nothing of `complete`, and all of a host's own tasks."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from prefect import flow, get_run_logger, task

from docmill.schemas.pipeline import Limits
from docmill.tasks.chat.complete import complete
from docmill.tasks.chat.session import session
from tests.support.asking import free, target
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import error

LOGGER = logging.getLogger("prefect.task_runs")


class Kept(logging.Handler):
    """Keeps what is handled."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def of(self, task_name: str) -> list[logging.LogRecord]:
        return [record for record in self.records if vars(record)["task_name"] == task_name]


@pytest.fixture
def logged() -> Iterator[Kept]:
    """Keep what task runs log, down to DEBUG."""
    kept, level = Kept(), LOGGER.level
    LOGGER.addHandler(kept)
    LOGGER.setLevel(logging.DEBUG)
    yield kept
    LOGGER.setLevel(level)
    LOGGER.removeHandler(kept)


@task(name="complete")
async def own() -> str:
    """Log a line, as a host's own task of the same name as ours may."""
    get_run_logger().info("a line of its own")
    return "done"


@task
async def failing() -> None:
    raise ValueError("an error of its own")


async def run(provider: Provider) -> list[Any]:
    """Run both of the host's tasks beside a call that comes about and one that is given up."""

    @flow
    async def host() -> list[Any]:
        async with session(target(provider.url), Limits(concurrency=1)):
            calls = [complete(free(text), step="s", document=text) for text in ("good", "bad")]
            return await asyncio.gather(*calls, own(), failing(), return_exceptions=True)

    return list(await host())


async def test_a_hosts_own_tasks_log_as_before_and_complete_does_not(
    provider: Provider, cache: object, prefect_api: str, logged: Kept
):
    provider.rule(lambda request: error(400, "no") if b"bad" in request.body else None)
    good, bad, mine, failed = await run(provider)
    assert isinstance(good, str)
    assert isinstance(bad, Exception)
    assert (mine, str(failed)) == ("done", "an error of its own")
    lines = [record.getMessage() for record in logged.of("complete")]
    assert "a line of its own" in lines
    assert "Finished in state Completed()" in lines
    assert [record.levelno for record in logged.of("failing") if record.exc_info] == [logging.ERROR]
    assert {vars(record)["task_name"] for record in logged.records} == {"complete", "failing"}


def test_a_run_changes_no_level_of_the_hosts_logging(project: Project, provider: Provider, prefect_api: str):
    before = LOGGER.getEffectiveLevel(), LOGGER.disabled
    project.documents(a="one")
    assert project.run("run", str(project.pipeline(provider.url))) == 0
    assert (LOGGER.getEffectiveLevel(), LOGGER.disabled) == before
