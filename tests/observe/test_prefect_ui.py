"""What the Prefect server is told of a run: names, log lines, one report, one progress; and what never."""

import asyncio
import json
import logging
import re
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prefect.client.schemas.objects import State

from docmill.flows.observe import prefect_ui
from docmill.flows.process import process
from docmill.schemas.money import money
from tests.support.browser import Watched, elsewhere
from tests.support.connection import Request
from tests.support.processes import eventually
from tests.support.project import STEPS, Project
from tests.support.provider import Provider, serving
from tests.support.shapes import Shape, error, saying

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]
EXTRACT = "  - extract: {schema: thing}\n"
NAME = r"p \d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
KEY = "KEYMARK-0123456789"


def test_names_say_pipeline_and_time_step_and_document(
    project: Project, provider: Provider, prefect_api: str
):
    project.documents(a="first", b="second")
    assert project.run("run", str(project.pipeline(provider.url))) == 0
    run = Watched(prefect_api, project)
    assert re.fullmatch(NAME, run.flow_run()["name"])
    assert Counter(each["name"] for each in run.task_runs(6)) == Counter(
        f"{step} in/{name}.txt" for step in ("summarize", "classify", "extract") for name in "ab"
    )


def test_its_tags_are_pipeline_and_models_and_no_task_run_has_any(
    project: Project, provider: Provider, prefect_api: str
):
    """A task run with a tag asks the server for a slot: a call each."""
    project.documents(a="first")
    assert project.run("run", str(project.pipeline(provider.url, model="[m1, m2]"))) == 0
    run = Watched(prefect_api, project)
    assert sorted(run.flow_run()["tags"]) == ["m1", "m2", "p"]
    assert [each["tags"] for each in run.task_runs(3)] == [[], [], []]


def test_a_run_has_one_report_and_one_progress(project: Project, provider: Provider, prefect_api: str):
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(20)})
    assert project.run("run", str(project.pipeline(provider.url))) == 0
    run = Watched(prefect_api, project)
    [report], [progress] = run.artifacts("markdown"), run.artifacts("progress")
    assert (report["key"], report["description"]) == ("p-report", "complete: 20 documents: 20 done")
    assert (progress["key"], progress["description"]) == ("p-progress", "20 of 20: 20 done")
    assert {report["task_run_id"], progress["task_run_id"]} == {None}


def test_progress_moves_while_the_run_lives(
    project: Project, provider: Provider, prefect_api: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(prefect_ui, "UPDATE_EVERY_S", 0.1)
    project.documents(a="first", b="second")
    seen = threading.Event()

    def hold_the_second(request: Request) -> None:
        if request.number == 2:
            provider.hold_until(seen.is_set)

    provider.rule(hold_the_second)
    pipeline = str(project.pipeline(provider.url, EXTRACT, limits="{concurrency: 1}"))
    running = threading.Thread(target=project.run, args=("run", pipeline))
    running.start()
    assert eventually(lambda: len(provider.requests) == 2)
    run = Watched(prefect_api, project)
    assert eventually(lambda: run.percent() == 50)
    assert run.artifacts("markdown") == []
    seen.set()
    running.join()
    assert run.percent() == 100


def test_progress_ends_at_100(project: Project, provider: Provider, prefect_api: str):
    project.documents(a="first", b="second", empty="")
    pipeline = str(project.pipeline(provider.url, EXTRACT))
    assert project.run("run", pipeline, "--limit", "10") == 1
    run = Watched(prefect_api, project)
    assert run.percent() == 100
    assert run.artifacts("progress")[0]["description"] == "3: 2 done, 1 failed"
    (project.root / "in/empty.txt").unlink()
    assert project.run("run", pipeline) == 0  # both are unchanged
    run = Watched(prefect_api, project)
    assert run.percent() == 100
    assert run.artifacts("markdown")[0]["description"] == "complete: 2 documents: 2 unchanged"


def test_a_run_of_no_document_has_its_report_too(project: Project, provider: Provider, prefect_api: str):
    (project.root / "in").mkdir()
    state: State[Any] = asyncio.run(process(project.pipeline(provider.url), return_state=True))  # type: ignore[arg-type]
    run = Watched(prefect_api, project, str(state.state_details.flow_run_id))
    assert (state.name, run.percent()) == ("Completed", 100)
    assert run.report().startswith("# p: complete\n\n**0 documents**\n")


def test_a_run_that_was_stopped_says_why_in_its_report(
    project: Project, provider: Provider, prefect_api: str
):
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(60)})
    provider.always("payment_required")
    assert project.run("run", str(project.pipeline(provider.url, EXTRACT))) == 3
    run = Watched(prefect_api, project)
    assert run.report().startswith("# p: stopped\n")
    assert "the server answered 402" in run.report()
    for shown in (run.report(), json.dumps(run.flow_run()), str(run.logs())):
        assert "credit balance" not in shown  # which the server said
    for shown in (run.report(), json.dumps(run.flow_run()), str(run.logs())):
        assert "credit balance" not in shown  # which the server said
    assert run.percent() < 100


Mixed = tuple[Watched, Project]


@pytest.fixture(scope="module")
def mixed(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mixed]:
    """Give a run, logged at DEBUG, of six outcomes, with marks in all that may be shown nowhere."""
    answers: dict[str, Shape] = {
        "DOCMARK c": saying('{"name": "MODELMARK", "on": "MODELMARK"}'),
        "DOCMARK d": "refusal",
        "DOCMARK e": error(400, f"SERVERMARK {KEY}", "odd_code"),
    }

    def answer(request: Request) -> Shape | None:
        if "tools" not in request.parsed:
            return saying("MODELMARK says")
        return next((shape for text, shape in answers.items() if text in request.text), None)

    with elsewhere(tmp_path_factory) as project, serving() as provider, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCMILL_API_KEY", KEY)
        for logger in ("prefect", "prefect.flow_runs"):
            patch.setattr(logging.getLogger(logger), "level", logging.DEBUG)
        texts = {"a": "DOCMARK a", "b": "DOCMARK b", "wrong": "DOCMARK c", "no": "DOCMARK d"}
        project.documents(**texts, bad="DOCMARK e", empty="")
        provider.rule(answer)
        prices = "prices: {input: 1000, output: 2000}"
        endpoint = f"{{base_url: '{provider.url}', api_key_env: DOCMILL_API_KEY, {prices}}}"
        pipeline = project.pipeline(endpoint, f"  - summarize:\n{EXTRACT}")
        assert project.run("run", str(pipeline)) == 1
        yield Watched(prefect_api, project), project


def test_the_report_has_every_document_that_is_not_done_with_its_reason(mixed: Mixed):
    report = mixed[0].report()
    not_done = report.partition("## Not done\n\n")[2].partition("\n\n")[0].splitlines()[2:]
    told = {
        name: (status, reason) for name, status, reason in (row.strip("| ").split(" | ") for row in not_done)
    }
    assert {name: status for name, (status, _) in told.items()} == {
        "in/bad.txt": "failed",
        "in/empty.txt": "failed",
        "in/no.txt": "refused",
        "in/wrong.txt": "invalid",
    }
    assert told["in/empty.txt"][1] == "the file is empty"
    assert told["in/bad.txt"][1].startswith("extract: the server answered 400")
    assert all(reason for _, reason in told.values())


def test_the_report_has_the_numbers_of_the_run(mixed: Mixed):
    run, project = mixed
    report = run.report()
    columns = "run_id, calls, attempts, cached_calls, prompt_tokens, completion_tokens, cost_usd"
    [(run_id, calls, attempts, cached, read, written, cost)] = project.rows(
        f"select {columns} from docmill_runs"
    )
    for line in (
        "**6 documents: 2 done, 1 invalid, 1 refused, 2 failed**",
        f"| cost | {money(cost, estimated=False)} |",
        f"| calls paid | {calls} in {attempts} attempts, {cached} from the cache |",
        f"| tokens | {read:,} read, {written:,} written |",
        f"| run | `{run_id}` |",
        "- docmill\\_outcomes",
        "- p\\_\\_thing",
        '  s1["extract"]',
    ):
        assert f"\n{line}\n" in report
    for heading, column in {"Slowest": "seconds", "Dearest": "cost_usd"}.items():
        first = report.partition(f"## {heading}\n\n| document | |\n| --- | --- |\n| ")[2].partition(" |")[0]
        query = f"select document_id from docmill_outcomes order by {column} desc limit 1"
        assert project.rows(query) == [(first,)]


def test_nothing_that_others_wrote_is_shown(mixed: Mixed):
    run, project = mixed
    [(errors,)] = project.rows("select group_concat(error) from docmill_outcomes")
    assert "SERVERMARK" in errors  # which the results alone hold
    logs = run.logs()
    assert logging.DEBUG in {level for level, _ in logs}
    shown = [message for _, message in logs] + [json.dumps(each) for each in run.task_runs(10)]
    shown += [json.dumps(run.artifacts("markdown") + run.artifacts("progress")), json.dumps(run.flow_run())]
    for mark in ("DOCMARK", "MODELMARK", "SERVERMARK", "KEYMARK"):
        assert [each for each in shown if mark in each] == []


def test_a_document_has_one_line(mixed: Mixed):
    run, project = mixed
    lines = {line.split(":")[0]: line for line in run.lines()}
    rows = project.rows("select status, document_id, calls, cached_calls, cost_usd from docmill_outcomes")
    assert len(run.lines()) == len(lines) == len(rows) == 6
    for status, document_id, calls, cached, cost in rows:
        told = f"{calls} calls, {cached} cached, {money(cost, estimated=False)}, "
        assert told in lines[f"{status} {document_id}"]
    others = [
        message for level, message in run.logs() if level >= logging.INFO and message not in run.lines()
    ]
    assert [message.split(" ")[0] for message in others] == ["Beginning", "run", "Finished"]


def test_a_name_of_two_lines_is_told_on_one(project: Project, provider: Provider, prefect_api: str):
    with sqlite3.connect("rows.db") as connection:
        connection.execute("create table t as select 'a' || char(10) || 'done b' as k, '' as body")
    connection.close()
    rows = '{url: "sqlite:///rows.db", query: select * from t, key: k, text: "{{ body }}"}'
    pipeline = project.pipeline(provider.url, EXTRACT, rows=rows)
    pipeline.write_text(pipeline.read_text().replace("documents: in/*.txt\n", ""))
    assert project.run("run", str(pipeline)) == 1
    [line] = Watched(prefect_api, project).lines()
    assert line.startswith(r"failed a\ndone b: 0 calls, ")


def test_an_unchanged_document_has_no_line(project: Project, provider: Provider, prefect_api: str):
    project.documents(a="first", b="second")
    pipeline = str(project.pipeline(provider.url, EXTRACT))
    assert project.run("run", pipeline) == 0
    project.documents(c="third")
    assert project.run("run", pipeline) == 0
    [line] = Watched(prefect_api, project).lines()
    assert line.startswith("done in/c.txt: 1 calls, 0 cached, ")


def test_a_call_that_the_cache_answers_shows_as_cached(
    project: Project, provider: Provider, prefect_api: str
):
    project.documents(a="the same", b="the same")
    pipeline = str(project.pipeline(provider.url, STEPS))
    assert project.run("run", pipeline) == 0
    states = Counter(each["state_name"] for each in Watched(prefect_api, project).task_runs(6))
    assert states == {"Completed": 3, "Cached": 3}
    assert project.run("run", pipeline, "--refresh", "--into", "sqlite:///again.db") == 0
    assert project.run("run", pipeline, "--into", "sqlite:///third.db") == 0
    [(flow_run_id,)] = project.rows("select flow_run_id from docmill_runs", "third.db")
    states = Counter(each["state_name"] for each in Watched(prefect_api, project, flow_run_id).task_runs(6))
    assert states == {"Cached": 6}


@pytest.mark.parametrize("status", [500, 503, None], ids=["500", "503", "no answer"])
def test_a_server_that_takes_no_artifact_holds_no_run_up(
    project: Project,
    provider: Provider,
    prefect_api: str,
    monkeypatch: pytest.MonkeyPatch,
    status: int | None,
):
    monkeypatch.setattr(prefect_ui, "PATIENCE_S", 0.5)
    real = httpx.AsyncHTTPTransport.handle_async_request
    refused: list[str] = []

    async def without_artifacts(
        transport: httpx.AsyncHTTPTransport, request: httpx.Request
    ) -> httpx.Response:
        if not request.url.path.startswith("/api/artifacts"):
            return await real(transport, request)
        refused.append(request.method)
        if status is None:
            await asyncio.Event().wait()
        return httpx.Response(status or 0, request=request)

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", without_artifacts)
    project.documents(a="first")
    pipeline = str(project.pipeline(provider.url, EXTRACT))
    begun = time.monotonic()
    assert project.run("run", pipeline) == 0
    assert time.monotonic() - begun < 4 * prefect_ui.PATIENCE_S + 3
    assert refused
    assert Watched(prefect_api, project).lines() != []
