"""After a bad night: what a run may leave undone, quarantine, and how it is tried again."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from docmill.flows.process import process
from tests.evaluate.test_runs import events
from tests.flows.test_arrived import documented
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import error, saying

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]
Printed = pytest.CaptureFixture[str]
BAD_STATES = ["incomplete", "stopped", "failed"]
STEP = "  - summarize:\n"
COUNTS = "select state, done, failed, quarantined from docmill_runs order by started_at desc limit 1"


@pytest.fixture
def bad(project: Project, provider: Provider) -> Project:
    """Give a project of two documents, one of which the server does not take."""
    project.documents(fine="text", wrong="a poison text")
    provider.rule(lambda request: error(400, "no") if "poison" in request.text else None)
    project.pipeline(provider.url, STEP)
    return project


async def test_what_fail_above_allows_completes_a_run(bad: Project, provider: Provider):
    state = await process(Path("p.yaml"), return_state=True)
    assert (state.name, state.type.value) == ("Incomplete", "FAILED")
    assert state.message == "2 documents: 1 done, 1 failed"
    bad.pipeline(provider.url, STEP, fail_above="0.5")
    state = await process(Path("p.yaml"), return_state=True)
    assert (state.name, state.message) == ("Completed", "2 documents: 1 unchanged, 1 failed")
    bad.pipeline(provider.url, STEP, fail_above="0.49")
    assert (await process(Path("p.yaml"), return_state=True)).name == "Incomplete"


def test_a_document_in_quarantine_is_passed_over_until_it_is_released(
    bad: Project, provider: Provider, capfd: Printed
):
    for number in range(3):
        bad.documents(**{f"new{number}": f"text {number}"})  # a run counts where something was done
        assert bad.run("run", "p.yaml") == 1
    asked = len(provider.requests)
    assert bad.run("run", "p.yaml", "--refresh", "--document", "in/wrong.txt") == 0
    assert bad.run("run", "p.yaml") == 0
    assert bad.rows(COUNTS) == [("complete", 0, 0, 1)]
    assert len(provider.requests) == asked
    assert "docmill retry p.yaml --quarantined" in capfd.readouterr().out
    assert bad.statuses()["in/wrong.txt"] == "quarantined"
    assert bad.run("retry", "p.yaml") == 0  # nothing else is open
    assert len(provider.requests) == asked
    assert bad.run("retry", "p.yaml", "--quarantined") == 1
    assert bad.rows(COUNTS) == [("incomplete", 0, 1, 0)]
    assert bad.statuses()["in/wrong.txt"] == "failed"


def test_where_nothing_else_is_done_no_run_counts_and_fail_above_allows_one_bad_file(
    bad: Project, provider: Provider
):
    bad.documents(empty="")  # cannot be read
    for _ in range(5):
        assert bad.run("run", "p.yaml") == 1
    assert bad.rows(COUNTS) == [("incomplete", 0, 2, 0)]
    assert bad.rows("select max(runs) from docmill__failures") == [(1,)]  # the first run, which did one
    bad.pipeline(provider.url, STEP, fail_above="0.7")
    assert bad.run("run", "p.yaml") == 0
    assert bad.rows(COUNTS) == [("complete", 0, 2, 0)]


def test_what_is_in_quarantine_stays_there_until_it_is_confirmed_what_it_may_cost(
    bad: Project, provider: Provider, capfd: Printed
):
    priced = f"{{base_url: '{provider.url}', prices: {{input: 1000, output: 1000}}}}"
    bad.pipeline(priced, STEP, confirm_above_usd="0.01")
    for number in range(3):
        bad.documents(**{f"new{number}": f"text {number}"})
        assert bad.run("run", "p.yaml", "--yes") == 1
    asked = len(provider.requests)
    assert bad.run("retry", "p.yaml", "--quarantined") == 2
    assert "confirm_above_usd: it may cost more than $0.01" in capfd.readouterr().err
    assert len(provider.requests) == asked
    assert bad.run("run", "p.yaml", "--yes") == 0
    assert bad.rows(COUNTS) == [("complete", 0, 0, 1)]
    assert bad.run("retry", "p.yaml", "--quarantined", "--yes") == 1
    assert bad.rows(COUNTS) == [("incomplete", 0, 1, 0)]


def test_what_a_retry_has_not_taken_up_stays_in_quarantine(bad: Project, provider: Provider):
    bad.documents(worse="another poison text")
    for number in range(3):
        bad.documents(**{f"new{number}": f"text {number}"})
        assert bad.run("run", "p.yaml") == 1
    assert bad.run("run", "p.yaml") == 0
    assert bad.run("retry", "p.yaml", "--quarantined", "--limit", "1") == 1
    asked = len(provider.requests)
    assert bad.run("run", "p.yaml") == 1  # the one that was released
    assert bad.rows(COUNTS) == [("incomplete", 0, 1, 1)]
    assert len(provider.requests) == asked + 1
    assert bad.run("retry", "p.yaml", "--quarantined") == 1
    assert bad.rows(COUNTS) == [("incomplete", 0, 1, 0)]
    assert sorted(bad.statuses().values()) == ["done"] * 4 + ["failed"] * 2


def test_retry_takes_what_is_not_done_and_nothing_else(bad: Project, provider: Provider):
    assert bad.run("run", "p.yaml") == 1
    bad.documents(later="a new text")
    assert bad.run("retry", "p.yaml", "--status", "deferred") == 0
    assert bad.statuses()["in/wrong.txt"] == "failed"
    bad.documents(wrong="another text")
    assert bad.run("retry", "p.yaml", "--status", "failed") == 0
    assert bad.statuses() == {"in/fine.txt": "done", "in/wrong.txt": "done"}
    assert bad.rows("select documents_in from docmill_runs order by started_at desc limit 1") == [(1,)]


def test_an_invalid_reply_is_kept_and_shown(project: Project, provider: Provider, capfd: Printed):
    project.documents(a="text")
    provider.rule(lambda _: saying(json.dumps({"name": 1, "long": "x" * 20_000})))
    project.pipeline(f"{{base_url: '{provider.url}'}}", "  - extract: {schema: thing}\n")
    assert project.run("run", "p.yaml") == 1
    [(steps,)] = project.rows("select steps from docmill_outcomes")
    kept = json.loads(steps)["extract"]["reply"]
    assert len(kept) == 16_384
    assert '{"name": 1, "long": "xxx' in kept
    capfd.readouterr()
    assert project.run("report", "p.yaml") == 0
    assert "extract replied: " in capfd.readouterr().out
    assert project.run("show", "p.yaml", "--json") == 0
    assert json.loads(capfd.readouterr().out)["steps"][0]["invalid_reply"] == kept


def test_a_key_that_an_invalid_reply_echoes_is_not_kept(
    project: Project, provider: Provider, capfd: Printed, monkeypatch: pytest.MonkeyPatch
):
    key = "KEYMARK-0123456789"
    monkeypatch.setenv("DOCMILL_API_KEY", key)
    project.documents(a="text")
    provider.rule(lambda _: saying(json.dumps({"name": 1, "said": f"Bearer {key}"})))
    endpoint = f"{{base_url: '{provider.url}', api_key_env: DOCMILL_API_KEY}}"
    project.pipeline(endpoint, "  - extract: {schema: thing}\n")
    assert project.run("run", "p.yaml") == 1
    assert provider.requests[0].headers["authorization"] == f"Bearer {key}"
    [(steps,)] = project.rows("select steps from docmill_outcomes")
    assert "Bearer" in json.loads(steps)["extract"]["reply"]
    assert project.run("report", "p.yaml") == 0
    assert project.run("show", "p.yaml", "--json") == 0
    told = [steps, *capfd.readouterr()]
    stored = [file.read_bytes() for file in project.root.parent.rglob("*") if file.is_file()]
    assert not [each for each in told if key in each]
    assert not [each for each in stored if key.encode() in each]


def test_a_reply_that_was_repaired_is_kept_and_shown(project: Project, provider: Provider, capfd: Printed):
    project.documents(a="text")
    provider.script(saying('{"name": 1}'), saying('{"name": 2}'), "ok")
    project.pipeline(f"{{base_url: '{provider.url}'}}", "  - extract: {schema: thing}\n")
    assert project.run("run", "p.yaml") == 0
    [(status, steps)] = project.rows("select status, steps from docmill_outcomes")
    kept = json.loads(steps)["extract"]
    assert (status, kept.get("reply")) == ("done", None)
    assert [f'{{"name": {number}}}' in said for number, said in enumerate(kept["rejected"], 1)] == [True] * 2
    capfd.readouterr()
    assert project.run("show", "p.yaml", "--json") == 0
    [step] = json.loads(capfd.readouterr().out)["steps"]
    assert (step["rejected_replies"], "invalid_reply" in step) == (kept["rejected"], False)
    assert project.run("show", "p.yaml") == 0
    assert "==> extract, rejected reply 2 of the last run <==\n" in capfd.readouterr().out
    assert project.run("report", "p.yaml", "--document", "in/a.txt") == 0
    assert "extract, rejected reply 1: " in capfd.readouterr().out


def test_of_replies_of_a_step_that_ended_invalid_the_last_stands_apart(project: Project, provider: Provider):
    project.documents(a="text")
    provider.script(*(saying(f'{{"name": {number}, "x": "{"x" * 20_000}"}}') for number in (1, 2, 3)))
    project.pipeline(f"{{base_url: '{provider.url}'}}", "  - extract: {schema: thing}\n")
    assert project.run("run", "p.yaml") == 1
    [(steps,)] = project.rows("select steps from docmill_outcomes")
    kept = json.loads(steps)["extract"]
    assert [len(each) for each in (*kept["rejected"], kept["reply"])] == [16_384] * 3
    assert '"name": 3' in kept["reply"]


def test_an_automation_fires_on_an_alert_and_on_a_state(bad: Project, provider: Provider, prefect_api: str):
    declared = YAML(typ="safe").load(documented("# alert.yaml", "yaml"))["trigger"]
    bad.pipeline(provider.url, STEP, alert="{bad: 0.2, review: 0.2}")
    made = [
        _automation(prefect_api, declared),
        _automation(prefect_api, declared, "docmill.run.finished", {"docmill.state": BAD_STATES}),
        _automation(prefect_api, declared, "docmill.alert", {"docmill.threshold": "review"}),
    ]
    try:
        assert bad.run("run", "p.yaml") == 1
        assert eventually(lambda: [_fired(prefect_api, each) for each in made[:2]] == [1, 1], 60)
        assert _fired(prefect_api, made[2]) == 0
    finally:
        for each in made:
            httpx.delete(f"{prefect_api}/automations/{each}").raise_for_status()
    [(run_id,)] = bad.rows("select run_id from docmill_runs")
    told = events(prefect_api, run_id)
    assert told["docmill.run.finished"]["passed"] == ["bad"]
    assert told["docmill.alert"] == {"run_id": run_id, "threshold": "bad", "limit": 0.2, "value": 0.5}


def _automation(
    api: str, declared: dict[str, Any], event: str | None = None, labels: dict[str, Any] | None = None
) -> str:
    """Make an automation of the trigger that docs/operations.md has, or of the same for another event."""
    match = declared["match"] if labels is None else {"prefect.resource.id": "docmill.pipeline.*", **labels}
    trigger = {**declared, "expect": [event] if event else declared["expect"], "match": match}
    body = {"name": f"{event} {labels}", "trigger": trigger, "actions": [{"type": "do-nothing"}]}
    return str(httpx.post(f"{api}/automations/", json=body).raise_for_status().json()["id"])


def _fired(api: str, automation: str) -> int:
    query = {
        "filter": {
            "event": {"name": ["prefect.automation.action.executed"]},
            "resource": {"id": [f"prefect.automation.{automation}"]},
        }
    }
    return int(httpx.post(f"{api}/events/filter", json=query).raise_for_status().json()["total"])
