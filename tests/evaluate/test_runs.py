"""A run is evaluated at its end: its state, its exit code, its event, its report, and what is kept."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from docmill.flows.process import process
from tests.support.browser import Watched
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import saying

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]
Printed = pytest.CaptureFixture[str]
STEP = "  - classify: {labels: {a: the first, b: the second}}\n"
KEPT = "select run_id, labels, accepted, figures from docmill_evaluations order by at"


@pytest.fixture
def gated(project: Project, provider: Provider) -> Project:
    """Give a project of two documents with their labels, and a model that finds both."""
    project.documents(first="this is an a", second="this is a b")
    Path("truth.csv").write_text("document,label\nfirst.txt,a\nsecond.txt,b\n")
    provider.rule(lambda request: answer("a" if "is an a" in request.text else "b"))
    project.pipeline(provider.url, STEP, evaluate="{labels: truth.csv, min_label: 0.9}")
    return project


def events(api: str, run_id: str) -> dict[str, Any]:
    """Give the payloads of a run's own events, by their names."""
    query = {"filter": {"resource": {"id": ["docmill.pipeline.p"]}}, "limit": 50}
    found = httpx.post(f"{api}/events/filter", json=query).raise_for_status().json()["events"]
    return {each["event"]: each["payload"] for each in found if each["payload"].get("run_id") == run_id}


def answer(label: str) -> Any:
    return saying(json.dumps({"category": label}))


def test_a_run_whose_results_are_right_enough_is_complete(gated: Project, capfd: Printed):
    assert gated.run("run", "p.yaml") == 0
    printed = capfd.readouterr()
    assert "evaluated by truth.csv: 2 of 2 answered; right: labels 100 %" in printed.out
    [(run_id, labels, accepted, figures)] = gated.rows(KEPT)
    assert gated.rows("select run_id, state from docmill_runs") == [(run_id, "complete")]
    assert (labels, accepted, len(json.loads(figures)["judgements"])) == ("truth.csv", 0, 2)


def test_a_gate_that_fails_makes_the_run_incomplete(
    gated: Project, provider: Provider, prefect_api: str, capfd: Printed
):
    Path("truth.csv").write_text("document,label\nfirst.txt,b\nsecond.txt,b\n")
    assert gated.run("run", "p.yaml") == 1
    reason = "labels: 50 % right (1 of 2), below min_label 0.9"
    assert f"evaluation failed: {reason}" in capfd.readouterr().out
    assert gated.rows("select state, done from docmill_runs") == [("incomplete", 2)]
    watched = Watched(prefect_api, gated)
    state = watched.flow_run()["state"]
    assert (state["type"], state["name"]) == ("FAILED", "Incomplete")
    assert state["message"] == f"2 documents: 2 done. {reason}"
    [report] = watched.artifacts("markdown")
    assert "## Evaluation" in report["data"]
    assert "| labels | 50.0 % |" in report["data"]
    assert "below min\\_label 0.9" in report["data"]
    [(run_id,)] = gated.rows("select run_id from docmill_runs")
    assert eventually(lambda: "docmill.run.finished" in events(prefect_api, run_id))
    found = events(prefect_api, run_id)
    assert found["docmill.evaluation.failed"]["reasons"] == [reason]
    assert found["docmill.run.finished"]["state"] == "incomplete"
    assert gated.run("run", "p.yaml") == 1  # nothing is asked, and it is no better
    assert len(provider.requests) == 2


async def test_the_deployed_flow_ends_incomplete(gated: Project):
    Path("truth.csv").write_text("document,label\nfirst.txt,b\nsecond.txt,b\n")
    state = await process(Path("p.yaml"), return_state=True)
    assert (state.name, state.type.value) == ("Incomplete", "FAILED")


def test_a_change_that_is_worse_than_accepted_is_refused(gated: Project, provider: Provider, capfd: Printed):
    file = Path("p.yaml")
    file.write_text(file.read_text().replace("min_label: 0.9", "no_worse_than: accepted"))
    assert gated.run("run", "p.yaml") == 1  # nothing is accepted yet
    assert gated.run("evaluate", "p.yaml", "--accept") == 0
    assert gated.run("run", "p.yaml") == 0
    file.write_text(file.read_text().replace("the second", "another thing"))  # the prompt is changed
    provider.rule(lambda request: None)
    provider._rules.insert(0, lambda request: answer("a"))  # and the model is wrong once
    capfd.readouterr()
    assert gated.run("run", "p.yaml") == 1
    printed = capfd.readouterr().out
    assert "evaluation failed: label: 50 % after 100 % (-50.0 [" in printed
    assert gated.run("evaluate", "p.yaml", "--against", "accepted") == 1
    assert "in/second.txt" in capfd.readouterr().out


def test_labels_that_cannot_be_read_stop_the_run_before_anything_is_sent(
    gated: Project, provider: Provider, capfd: Printed
):
    Path("truth.csv").write_text("document,lable\nfirst.txt,a\n")
    assert gated.run("run", "p.yaml") == 2
    assert "truth.csv:1: 'lable' is no field of a record" in capfd.readouterr().err
    assert provider.requests == []
    assert not Path("results.db").exists()


def test_a_run_that_is_stopped_is_not_evaluated(gated: Project, provider: Provider):
    provider._rules.insert(0, lambda request: "unauthorized")
    assert gated.run("run", "p.yaml") == 3
    assert gated.rows("select state from docmill_runs") == [("stopped",)]
    assert gated.rows(KEPT) == []


def test_labels_that_name_two_documents_fail_the_gate_and_lose_nothing(gated: Project, capfd: Printed):
    assert gated.run("run", "p.yaml") == 0
    with sqlite3.connect("results.db") as connection:
        connection.execute(
            "update docmill_outcomes set document_id = 'other/second.txt' where document_id = 'in/first.txt'"
        )
    connection.close()
    assert gated.run("run", "p.yaml") == 1
    assert "'second.txt' may be in/second.txt or other/second.txt" in capfd.readouterr().out
    assert gated.rows("select done, unchanged from docmill_runs order by started_at desc limit 1") == [(1, 1)]
