"""In Prefect's UI: a plan as an artifact, and a run that waits for a person's yes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterName,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelling

from docmill.flows.plan import confirming
from docmill.flows.process import process
from tests.support.counting import priced
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.usefixtures("prefect_api")

PAUSED = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
ACCEPTED = SetStateStatus.ACCEPT
STEPS = "  - summarize: {max_words: 20}\n"


def pipeline(project: Project, provider: Provider, name: str, **keys: str) -> Path:
    project.documents(a="It rained.", b="It snowed.")
    return project.pipeline(priced(provider), STEPS, name=name, **keys).rename(f"{name}.yaml")


async def test_a_flow_that_only_plans_sends_nothing_and_shows_what_it_would(
    project: Project, provider: Provider
):
    state = await process(pipeline(project, provider, "planned"), plan_only=True, return_state=True)
    assert state.is_completed()
    assert str(state.message).startswith("2 documents to run, 2 calls to pay, 0 from the cache, $")
    assert not provider.requests
    assert not Path("results.db").exists()
    async with get_client() as client:
        key = ArtifactFilter(key=ArtifactFilterKey(any_=["planned-plan"]))
        [artifact] = await client.read_artifacts(artifact_filter=key)
    assert "| summarize | m | 2 | 0 |" in str(artifact.data)


@asynccontextmanager
async def waiting(file: Path) -> AsyncIterator[tuple[PrefectClient, UUID, "asyncio.Task[State[Any]]"]]:
    """Run a pipeline until it waits for its yes."""
    mine = FlowRunFilter(state=PAUSED, name=FlowRunFilterName(like_=file.stem))  # others may pause, too
    running: asyncio.Task[State[Any]] = asyncio.ensure_future(process(file, return_state=True))
    async with get_client() as client:
        while True:
            if paused := await client.read_flow_runs(flow_run_filter=mine):
                break
            assert not running.done(), running.result()
            await asyncio.sleep(0.2)
        yield client, paused[0].id, running


async def asked(client: PrefectClient, flow_run_id: UUID, key: str = "paused-1-description") -> str:
    """Give what the form says; Prefect saves it once the run is Paused."""
    while True:
        with suppress(ObjectNotFound, PrefectHTTPStatusError):
            return str(await client.read_flow_run_input(flow_run_id, key=key))
        await asyncio.sleep(0.1)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "LOOK_EVERY_S", 1)


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "name", "sent"), [(True, "Completed", 2), (False, "Stopped", 0)])
async def test_a_run_that_may_cost_too_much_waits_for_a_yes(
    project: Project, provider: Provider, answer: bool, name: str, sent: int
):
    file = pipeline(project, provider, f"asked-{name.lower()}", confirm_above_usd="1")
    async with waiting(file) as (client, flow_run_id, running):
        assert not provider.requests
        form = await asked(client, flow_run_id)
        assert "2 documents to run, 2 calls to pay" in form
        while (await client.resume_flow_run(flow_run_id, {"go_on": answer})).status != ACCEPTED:
            await asyncio.sleep(0.1)  # the form is saved piece by piece
        state = await running
    assert (state.name, len(provider.requests)) == (name, sent)


async def test_a_run_that_nobody_answers_is_stopped(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(confirming, "WAIT_S", 1)
    file = pipeline(project, provider, "unanswered", confirm_above_usd="1")
    state = await process(file, return_state=True)
    assert (state.name, state.is_failed()) == ("Stopped", True)
    assert "nothing was sent" in str(state.message)
    assert not provider.requests


@pytest.mark.slow
async def test_a_run_that_waits_can_be_cancelled(project: Project, provider: Provider):
    file = pipeline(project, provider, "cancelled", confirm_above_usd="1")
    async with waiting(file) as (client, flow_run_id, running):
        await client.set_flow_run_state(flow_run_id, Cancelling(), force=True)
        state = await running
    assert state.is_cancelled()
    assert not provider.requests
