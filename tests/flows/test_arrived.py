"""Events: one that names documents starts a run over exactly these, and a run tells what came of it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.client.schemas.objects import State
from ruamel.yaml import YAML

from docmill.flows.arrived import arrived
from docmill.flows.process import process
from docmill.schemas.outcome import STATUSES
from tests.support.connection import Request
from tests.support.deploying import CLONE, ONE_STEP, Site
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider, serving
from tests.support.shapes import Shape, error, saying

OPERATIONS = (CLONE / "docs" / "operations.md").read_text()
MARKER = "Zanzibar"


def documented(beginning: str, language: str = "bash") -> str:
    """Give the one example of docs/operations.md that begins so."""
    [text] = re.findall(
        rf"^```{language}\n({re.escape(beginning)}.*?)^```$", OPERATIONS, re.MULTILINE | re.DOTALL
    )
    return str(text)


def shell(command: str, **environment: str) -> str:
    """Run what the docs say, with this environment's programs; gives what was printed."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    whole = {**os.environ, **environment, "PATH": path}
    done = subprocess.run(["sh", "-ec", command], capture_output=True, text=True, env=whole)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def announced(site: Site) -> Site:
    """Announce by three events at once, two of them as documented, and by one that is malformed."""
    for name in ("first", "second", "third", "malformed"):
        site.pipeline(name, "a", "b", "c", "d")
    named = ["first/a.txt", "./first/b.txt", (site.root / "first/c.txt").as_uri(), "/etc/hostname"]
    site.emit("docmill.inbox.first", {"pipeline": "first", "documents": named})
    for name, command in (("second", "curl "), ("third", "prefect event emit")):
        text = documented(command).replace("inbox.inbox", f"inbox.{name}").replace('"inbox"', f'"{name}"')
        text = text.replace("samples/inbox/ticket-48211.txt", f"{name}/a.txt")
        shell(text, **site.environment)
    site.emit("docmill.inbox.malformed", {"pipeline": "malformed"})
    site.started = _start_told(site)
    return site


def _start_told(site: Site) -> str:
    site.pipeline("told", "done", "invalid", "refused", "failed", steps="  - extract: {schema: thing}\n")

    def answer(request: Request) -> Shape | None:
        shapes: dict[str, Shape] = {
            "invalid": saying(json.dumps({"name": MARKER})),
            "refused": "refusal",
            "failed": error(400, f"{MARKER} server"),
        }
        named = re.search(r"The text of (\w+) in told", request.text)
        return shapes.get(named[1]) if named else None

    site.provider.rule(answer)
    return str(site.start("tickets", pipeline="told").raise_for_status().json()["id"])


async def ran(pipeline: Any, documents: Any) -> State[Any]:
    state: State[Any] = await arrived(pipeline, documents, return_state=True)
    return state


@pytest.mark.usefixtures("prefect_api")
class TestFlow:
    @pytest.fixture(autouse=True)
    def _pipelines(self, project: Project, provider: Provider) -> None:
        project.documents(a="text of a", b="text of b")
        (project.root / "flows/pipelines").mkdir(parents=True)
        project.pipeline(provider.url, ONE_STEP).rename("flows/pipelines/p.yaml")

    @pytest.mark.parametrize(
        "pipeline",
        ["../p", "/etc/passwd", "p.yaml", "flows/pipelines/p.yaml", "", "P", None, ["p"], {"name": "p"}],
    )
    @pytest.mark.slow
    async def test_the_pipeline_is_a_name(self, provider: Provider, pipeline: Any):
        state = await ran(pipeline, ["in/a.txt"])
        assert state.is_failed()
        assert "pipeline: must be the name of a file in flows/pipelines" in str(state.message)
        assert not provider.requests

    @pytest.mark.parametrize("documents", [None, "in/a.txt", 3, [3], {"a": "in/a.txt"}, [["in/a.txt"]]])
    @pytest.mark.slow
    async def test_documents_are_a_list_of_texts(self, provider: Provider, documents: Any):
        state = await ran("p", documents)
        assert state.is_failed()
        assert "documents: must be a list" in str(state.message)
        assert not provider.requests

    async def test_an_event_without_documents_is_complete(self, project: Project):
        """A scheduled or event run over nothing: Completed, 0 documents."""
        assert (await ran("p", [])).is_completed()
        assert project.rows("select state, documents_in from docmill_runs") == [("complete", 0)]

    async def test_a_pipeline_that_is_not_there_is_named(self):
        state = await ran("q", ["in/a.txt"])
        assert state.is_failed()
        assert "pipeline: there is no pipeline 'q' in flows/pipelines or pipelines; known: p" in str(
            state.message
        )

    async def test_documents_do_not_arrive_at_a_table(self, project: Project):
        rows = "{url: 'sqlite:///t.db', query: select 1 as id, key: id, text: '{{ id }}'}"
        text = Path("flows/pipelines/p.yaml").read_text().replace("documents: in/*.txt", f"rows: {rows}")
        Path("flows/pipelines/p.yaml").write_text(text)
        state = await ran("p", ["in/a.txt"])
        assert state.is_failed()
        assert "p reads rows, and documents cannot arrive" in str(state.message)

    @pytest.mark.slow
    async def test_a_document_that_was_processed_before_is_unchanged(
        self, project: Project, provider: Provider
    ):
        """Announced at least once, processed once."""
        for _ in range(2):
            assert (await ran("p", ["in/a.txt"])).is_completed()
        assert len(provider.requests) == 1
        assert project.rows("select done, unchanged from docmill_runs order by started_at") == [
            (1, 0),
            (0, 1),
        ]

    async def test_all_of_it_outside_is_failed_and_accounted_for(self, project: Project, provider: Provider):
        assert (await ran("p", ["/etc/hostname", "in/../../x"])).is_failed()
        assert project.rows("select documents_in, failed from docmill_runs") == [(2, 2)]
        assert not provider.requests


def events(api: str, **query: object) -> list[dict[str, Any]]:
    """List the server's events in the order in which they occurred."""
    page = httpx.post(f"{api}/events/filter", json={"filter": {"order": "ASC", **query}, "limit": 50}).json()
    events = list(page["events"])
    while page.get("next_page"):
        page = httpx.get(page["next_page"]).json()
        events += page["events"]
    return events


@pytest.fixture
def chat(prefect_api: str, project: Project) -> Iterator[Provider]:
    """Give who is notified, by an automation that is made as docs/operations.md has it."""
    with serving() as chat:
        block = documented("python -c").replace("https://hooks.example.com/docmill", chat.url)
        declared = YAML(typ="safe").load(documented("# notify.yaml", "yaml"))
        declared["actions"][0]["block_document_id"] = shell(block).split()[-1]
        Path("notify.yaml").write_text(json.dumps(declared))
        shell(documented("prefect automation create"))
        yield chat
        shell(f"prefect --no-prompt automation delete {declared['name']}")


@pytest.mark.slow
async def test_an_automation_notifies_of_a_failed_document(
    chat: Provider, project: Project, provider: Provider
):
    project.documents(a="text")
    provider.always("bad_request")
    file = project.pipeline(provider.url, ONE_STEP, name="notified")
    assert (await process(str(file), return_state=True)).is_failed()
    assert eventually(lambda: chat.requests)
    assert chat.requests[0].parsed == {
        "text": "in/a.txt is failed: summarize: the server answered 400 (invalid_request_error)"
    }


@pytest.mark.slow
class TestDeployed:
    def test_the_named_documents_are_done_and_only_they(self, announced: Site):
        """Shown by 1."""
        done = {f"first/{name}.txt": "done" for name in "abc"}
        assert eventually(lambda: announced.statuses("first") == {**done, "/etc/hostname": "failed"}, 180)
        reasons = announced.rows("first", "select error from docmill_outcomes where status = 'failed'")
        assert reasons == [("outside the pipeline's source",)]

    @pytest.mark.parametrize("name", ["second", "third"])
    def test_every_event_at_once_is_taken_up(self, announced: Site, name: str):
        assert eventually(lambda: announced.statuses(name) == {f"{name}/a.txt": "done"}, 180)

    def test_a_malformed_payload_starts_a_run_that_fails_and_says_so(self, announced: Site):
        assert eventually(lambda: announced.runs_of("malformed"), 180)
        [run] = announced.runs_of("malformed")
        assert announced.ended(run["id"]) == ("Failed", "documents: must be a list of paths or URIs")


@pytest.fixture(scope="module")
def told(site: Site, announced: Site) -> list[dict[str, Any]]:
    """Give the events of a run over a document that is done and three that are not."""
    assert site.ended(site.started)[0] == "Incomplete"
    about = {"any_resource": {"id": [f"prefect.flow-run.{site.started}"]}}
    assert eventually(lambda: "docmill.run.finished" in {each["event"] for each in events(site.api, **about)})
    return events(site.api, **about)


@pytest.mark.slow
class TestTold:
    def test_each_document_that_failed_and_then_the_run(self, site: Site, told: list[dict[str, Any]]):
        [(run_id,)] = site.rows("told", "select run_id from docmill_runs")
        failed = [each["payload"] for each in told if each["event"] == "docmill.document.failed"]
        assert {each["document_id"]: each["status"] for each in failed} == {
            f"told/{status}.txt": status for status in ("invalid", "refused", "failed")
        }
        assert all(each.keys() == {"run_id", "document_id", "status", "reason"} for each in failed)
        [finished] = [each for each in told if each["event"] == "docmill.run.finished"]
        assert finished["resource"]["prefect.resource.id"] == "docmill.pipeline.told"
        payload = finished["payload"]
        counts = {status: payload[status] for status in STATUSES if payload[status]}
        assert counts == {"done": 1, "invalid": 1, "refused": 1, "failed": 1}
        assert (payload["state"], payload["documents_in"], payload["cost_usd"]) == ("incomplete", 4, None)
        assert {each["run_id"] for each in [*failed, payload]} == {run_id}

    def test_nothing_of_a_document_and_nothing_of_a_servers_text(
        self, site: Site, told: list[dict[str, Any]]
    ):
        """Where the results hold it."""
        assert MARKER in str(site.rows("told", "select error from docmill_outcomes"))
        assert MARKER not in json.dumps(told)

    def test_the_runs_end_after_the_last_task_run(self, told: list[dict[str, Any]]):
        kinds = [each["event"] for each in told]
        task_runs = [index for index, kind in enumerate(kinds) if kind.startswith("prefect.task-run.")]
        assert 0 < max(task_runs) < kinds.index("docmill.run.finished")
