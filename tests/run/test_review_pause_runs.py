"""A run that pauses for what it has brought into review: a form in Prefect's UI decides it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.responses import SetStateStatus

from docmill.flows.process import process
from docmill.flows.run import reviewing
from tests.plan.test_confirming import asked, waiting
from tests.run.test_models import CHECKED
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import saying

pytestmark = pytest.mark.usefixtures("prefect_api")

STEPS = "  - extract: {schema: thing}\n"
RECORD = {"name": "Eve", "count": 1130, "on": "2024-01-31"}
TEXT = "Ada Ltd sent 1130 things on 31. Januar 2024."


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reviewing, "LOOK_EVERY_S", 1)


def pipeline(project: Project, provider: Provider, name: str) -> Path:
    """Write a pipeline of two documents, of which one does not have what the model says."""
    provider.always(saying(json.dumps(RECORD)))
    project.schema("thing", CHECKED)
    project.documents(d0=TEXT, d1=TEXT.replace("Ada Ltd", "Eve"))
    return project.pipeline(provider.url, STEPS, name=name, review="pause").rename(f"{name}.yaml")


async def resumed(client: Any, flow_run_id: Any, **answer: str) -> None:
    while (await client.resume_flow_run(flow_run_id, answer)).status != SetStateStatus.ACCEPT:
        await asyncio.sleep(0.1)  # the form is saved piece by piece


@pytest.mark.slow
async def test_what_the_form_says_is_decided(project: Project, provider: Provider):
    async with waiting(pipeline(project, provider, "decided")) as (client, flow_run_id, running):
        form = await asked(client, flow_run_id)
        assert "**1. in/d0.txt**, /name: not found in the document" in form
        assert "    Eve" in form
        assert "in/d1.txt" not in form
        corrected = {"decision_1": "correct", "corrected_1": "Ada Ltd"}
        await resumed(client, flow_run_id, by="ada", **corrected)
        state = await running
    assert (state.name, state.message) == ("Completed", "2 documents: 1 done, 1 review")
    assert project.statuses() == {"in/d0.txt": "done", "in/d1.txt": "done"}
    assert project.rows("select name from decided__thing order by document_id") == [("Ada Ltd",), ("Eve",)]
    assert project.rows('select "by", decision from docmill_decisions') == [("ada", "correct")]


@pytest.mark.slow
async def test_what_cannot_be_carried_out_is_asked_again_with_what_is_wrong(
    project: Project, provider: Provider
):
    async with waiting(pipeline(project, provider, "wrong")) as (client, flow_run_id, running):
        await resumed(client, flow_run_id, decision_1="correct")
        form = await asked(client, flow_run_id, "paused-2-description")
        assert "1. /name: there is no corrected value" in form
        await resumed(client, flow_run_id, decision_1="reject")
        await running
    assert project.rows("select status, error from docmill_outcomes where document_id = 'in/d0.txt'") == [
        ("review", "rejected in review by Prefect")
    ]


@pytest.mark.slow
async def test_where_nobody_answers_it_waits_as_without_a_pause(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reviewing, "WAIT_S", 1)
    state = await process(pipeline(project, provider, "nobody"), return_state=True)
    assert (state.name, state.message) == (
        "Completed",
        "2 documents: 1 done, 1 review. 1 waits in review, of this run",
    )


@pytest.mark.slow
async def test_more_documents_than_a_form_holds_are_told_and_not_waited_for(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(reviewing, "MOST_DOCUMENTS", 0)
    state = await process(pipeline(project, provider, "many"), return_state=True)
    assert state.is_completed()
    assert "review: 1 documents are more than a form holds" in caplog.text


@pytest.mark.slow
def test_by_hand_a_run_does_not_pause(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    assert project.run("run", str(pipeline(project, provider, "hand"))) == 0
    assert "1 waits in review, of this run: docmill review hand.yaml" in capsys.readouterr().out
