"""Decisions survive runs: what was decided is applied again, and what a run gives otherwise is told."""

import json
from typing import Any

import httpx
import pytest

from tests.plan.test_plan_runs import plan
from tests.support.browser import Watched
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.reviewing import BILL, LINES, RULE, TEXT, TRUE
from tests.support.shapes import Shape, saying

pytestmark = pytest.mark.usefixtures("prefect_api")
Printed = pytest.CaptureFixture[str]
A = "in/a.txt"


def record(**changes: Any) -> Shape:
    return saying(json.dumps(TRUE | changes))


def run(project: Project, provider: Provider, *arguments: str, prompt: str = "Record a bill") -> int:
    """Run the pipeline; another prompt takes every document up again."""
    project.documents(a=TEXT)
    project.schema("bill", {**BILL, "description": prompt})
    steps = f"  - extract: {{schema: bill, rules: [{RULE}]}}\n"
    return project.run("run", str(project.pipeline(provider.url, steps)), *arguments)


def outcome(project: Project) -> dict[str, Any]:
    columns = ("status", "record", "error", "reviewed_at", "steps", "evidence")
    [row] = project.rows(f"select {', '.join(columns)} from docmill_outcomes")
    found = dict(zip(columns, row, strict=True))
    return found | {name: json.loads(found[name]) for name in ("record", "steps", "evidence")}


def typed(project: Project) -> list[tuple[Any, ...]]:
    return project.rows("select name, total from p__bill")


@pytest.mark.slow
def test_a_reviewed_document_stays_unchanged_and_done(project: Project, provider: Provider, capfd: Printed):
    provider.always(record(name="Eve"))
    assert run(project, provider) == 0
    assert outcome(project)["status"] == "review"
    assert (
        capfd.readouterr().out.splitlines()[-1].startswith("1 waits in review, of this run: docmill review ")
    )
    assert project.run("review", "p.yaml", "--set", A, "name=Ada Ltd") == 0
    assert outcome(project)["status"] == "done"
    assert run(project, provider) == 0
    assert project.rows("select unchanged from docmill_runs order by started_at") == [(0,), (1,)]
    found = outcome(project)
    assert (found["status"], found["record"]) == ("done", TRUE)
    assert "review" not in capfd.readouterr().out


@pytest.mark.slow
def test_a_run_that_makes_the_same_mistake_is_corrected_and_done(project: Project, provider: Provider):
    provider.always(record(name="Eve", total=61))
    assert run(project, provider) == 0
    assert project.run("review", "p.yaml", "--set", A, "name=Ada Ltd", "--set", A, "total=60") == 0
    decided_at = outcome(project)["reviewed_at"]
    assert run(project, provider, prompt="Record the bill") == 0
    found = outcome(project)
    assert (found["status"], found["error"], found["record"]) == ("done", None, TRUE)
    assert found["steps"]["extract"]["given"] == TRUE | {"name": "Eve", "total": 61}
    assert found["reviewed_at"] == decided_at
    assert {each["path"]: each["quote"] for each in found["evidence"]}["total"] == "60"
    assert typed(project) == [("Ada Ltd", 60.0)]


@pytest.mark.slow
def test_another_value_than_the_decided_one_is_told_and_not_overwritten(
    project: Project, provider: Provider, capfd: Printed
):
    provider.always(record(name="Eve"))
    assert run(project, provider) == 0
    assert project.run("review", "p.yaml", "--set", A, "name=Ada Ltd") == 0
    provider.always(record(name="Invoice of Ada"))
    assert run(project, provider, prompt="Record the bill") == 0
    found = outcome(project)
    told = "extract: gives other than 1 value that was decided in review"
    assert (found["status"], found["error"], found["reviewed_at"]) == ("review", told, None)
    assert found["record"]["name"] == "Ada Ltd"
    assert typed(project) == [("Ada Ltd", 60.0)]
    capfd.readouterr()
    assert project.run("review", "p.yaml", "--json") == 0
    [point] = json.loads(capfd.readouterr().out)["documents"][0]["points"]
    assert (point["name"], point["value"], point["offered"]) == ("/name", "Ada Ltd", "Invoice of Ada")
    assert "corrected to" in point["wrong"]
    # Accepted, the decided value stands, and is not asked about again.
    assert project.run("review", "p.yaml", "--accept", A) == 0
    assert run(project, provider, "--refresh", prompt="Record the bill") == 0
    found = outcome(project)
    assert (found["status"], found["record"]["name"]) == ("done", "Ada Ltd")


@pytest.mark.slow
def test_an_accepted_value_is_accepted_again_and_a_new_doubt_is_not(project: Project, provider: Provider):
    provider.always(record(name="Eve"))
    assert run(project, provider) == 0
    assert project.run("review", "p.yaml", "--accept", A) == 0
    assert run(project, provider, "--refresh") == 0
    assert outcome(project)["status"] == "done"
    assert typed(project) == [("Eve", 60.0)]
    provider.always(record(name="Eve", on="2023-01-01"))
    assert run(project, provider, prompt="Record the bill") == 0
    found = outcome(project)
    assert (found["status"], found["error"]) == ("review", "extract: not found in the document: on")
    assert [each["path"] for each in found["steps"]["extract"]["doubts"]] == ["/on"]


@pytest.mark.slow
def test_rows_that_were_accepted_as_none_or_added_are_decided_in_later_runs(
    project: Project, provider: Provider
):
    provider.always(record(lines=LINES[:1]))
    assert run(project, provider) == 0
    added = ("--set", A, f"/lines/-={json.dumps(LINES[1])}")
    assert project.run("review", "p.yaml", *added) == 0
    assert run(project, provider, prompt="Record the bill") == 0
    found = outcome(project)
    assert (found["status"], found["record"]["lines"]) == ("done", LINES)


@pytest.mark.slow
def test_a_rejected_document_stays_rejected(project: Project, provider: Provider):
    provider.always(record(name="Eve"))
    assert run(project, provider) == 0
    assert project.run("review", "p.yaml", "--reject", A, "--note", "not ours", "--by", "ada") == 0
    assert run(project, provider, prompt="Record the bill") == 0
    found = outcome(project)
    assert (found["status"], found["error"]) == ("review", "rejected in review by ada: not ours")
    assert found["reviewed_at"]
    assert typed(project) == []


@pytest.mark.slow
def test_another_content_is_not_what_was_decided(project: Project, provider: Provider):
    provider.always(record(name="Eve"))
    assert run(project, provider) == 0
    assert project.run("review", "p.yaml", "--accept", A) == 0
    (project.root / "in/a.txt").write_text(TEXT + "more")
    assert project.run("run", "p.yaml") == 0
    assert outcome(project)["status"] == "review"


@pytest.mark.slow
def test_what_waits_is_an_event_and_a_line_of_the_runs_report(
    project: Project, provider: Provider, prefect_api: str
):
    provider.always(record(name="Eve"))
    assert run(project, provider) == 0
    watched = Watched(prefect_api, project)
    assert "1 waits in review, of this run: `docmill review p`" in watched.report()
    [(run_id,)] = project.rows("select run_id from docmill_runs")
    about = {"event": {"name": ["docmill.review.waiting"]}, "resource": {"id": ["docmill.pipeline.p"]}}

    def told() -> list[Any]:
        answer = httpx.post(f"{prefect_api}/events/filter", json={"filter": about}).json()
        return [each["payload"] for each in answer["events"] if each["payload"]["run_id"] == run_id]

    assert eventually(lambda: bool(told()))
    assert told() == [{"run_id": run_id, "waiting": 1, "of_this_run": 1}]


@pytest.mark.slow
def test_a_run_tells_what_waits_of_earlier_ones_too(project: Project, provider: Provider, capfd: Printed):
    provider.always(record(name="Eve"))
    assert run(project, provider) == 0
    project.documents(b=f"{TEXT} b")
    assert run(project, provider) == 0
    last = capfd.readouterr().out.splitlines()[-1]
    assert last == "2 wait in review, 1 of this run and 1 of earlier ones: docmill review " + str(
        project.root / "p.yaml"
    )


BY = "  - classify: {labels: {bill: b, other: o}}\n  - extract: {by: classify, schemas: {bill: bill}}\n"


@pytest.mark.slow
def test_a_corrected_label_has_the_next_run_ask_what_it_asks_for(
    project: Project, provider: Provider, capfd: Printed
):
    provider.rule(lambda request: saying('{"category": "other"}') if len(provider.requests) < 2 else record())
    project.documents(a=TEXT)
    project.schema("bill", BILL)
    pipeline = str(project.pipeline(provider.url, BY))
    assert project.run("run", pipeline) == 0
    assert project.rows("select status, label, record from docmill_outcomes") == [("done", "other", "null")]
    assert project.run("review", pipeline, "--set", A, "classify:label=bill") == 0
    assert plan(project, pipeline, capfd)["calls"] == 1
    assert project.run("run", pipeline) == 0
    rows = project.rows("select status, label, calls, reviewed_at is null from docmill_outcomes")
    assert rows == [("done", "bill", 1, 0)]
    assert typed(project) == [("Ada Ltd", 60.0)]
    assert project.run("review", pipeline, "--set", A, "classify:label=other") == 0
    assert typed(project) == [("Ada Ltd", 60.0)]  # as long as it waits for its run
    assert project.run("run", pipeline) == 0
    assert project.rows("select status, label from docmill_outcomes") == [("done", "other")]
    assert typed(project) == []
    assert len(provider.requests) == 2
