"""The pages of a real run in Prefect's UI, opened in Debian's chromium: what a person finds there."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from tests.support.browser import Page, Watched, colours, elsewhere, opened
from tests.support.project import STEPS
from tests.support.provider import serving

pytestmark = pytest.mark.browser

COMPLETED = bytes.fromhex("219d4b")  # the bar of a task run in either graph
VERSIONS = ("v1", "v2")
DOCUMENTS = ("in/a.txt", "in/b.txt")
LINES = (
    r"failed in/empty.txt: 0 calls, 0 cached, \$0, \d+\.\d s: the file is empty",
    r"done in/a.txt: \d calls, \d cached, \$[\d.]+, \d+\.\d s",
    r"done in/b.txt: \d calls, \d cached, \$[\d.]+, \d+\.\d s",
)


@pytest.fixture(scope="module")
def run(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Give a run over three documents: one paid for, one that is its copy, one without any text."""
    with elsewhere(tmp_path_factory) as project, serving() as provider:
        project.documents(a="the same", b="the same", empty="")
        endpoint = f"{{base_url: '{provider.url}', prices: {{input: 1, output: 2}}}}"
        assert project.run("run", str(project.pipeline(endpoint, STEPS))) == 1
        watched = Watched(prefect_api, project)
    watched.task_runs(6)
    watched.logs()
    return watched


@pytest.fixture(scope="module")
def pages(run: Watched, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """Open the run's pages and those of its report, each in both of Prefect's UIs."""
    [report] = run.artifacts("markdown")
    ui = {"v1": run.api.removesuffix("/api"), "v2": run.api.removesuffix("api") + "v2"}
    wanted = {}
    for version in VERSIONS:
        page = f"{ui[version]}/runs/flow-run/{run.id}"
        wanted[f"run-{version}"] = page, "Finished in state"
        wanted[f"report-{version}"] = (
            f"{ui[version]}/artifacts/artifact/{report['id']}",
            "Every reason in full",
        )
    wanted["artifacts-v2"] = f"{page}?tab=Artifacts", "p-progress"
    directory = tmp_path_factory.mktemp("pages")
    with ThreadPoolExecutor(2) as pool:
        found = {
            name: pool.submit(opened, url, directory, name, text) for name, (url, text) in wanted.items()
        }
        return {name: page.result() for name, page in found.items()}


def test_the_graph_leads_each_document_from_step_to_step(run: Watched):
    reply = httpx.get(f"{run.api}/flow_runs/{run.id}/graph-v2").raise_for_status().json()
    names = {node["id"]: node["label"] for _, node in reply["nodes"]}
    edges = {(names[parent["id"]], node["label"]) for _, node in reply["nodes"] for parent in node["parents"]}
    steps = ("summarize", "classify", "extract")
    assert edges == {
        (f"{before} {document}", f"{after} {document}")
        for document in DOCUMENTS
        for before, after in pairwise(steps)
    }
    assert len(names) == 6
    assert {artifact["key"] for artifact in reply["artifacts"]} == {"p-report", "p-progress"}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_run_page_draws_the_graph(pages: dict[str, Page], version: str):
    page = pages[f"run-{version}"]
    assert "<canvas" in page.dom
    found = colours(page.picture, rows=520)
    bars = sum(count for colour, count in found.items() if near(colour, COMPLETED))
    assert bars > 6 * 100  # six task runs, each a bar of 10 by 26 pixels


def near(one: bytes, other: bytes) -> bool:
    return all(abs(left - right) < 16 for left, right in zip(one, other, strict=True))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_run_page_has_name_tags_state_and_a_line_a_document(pages: dict[str, Page], version: str):
    text = pages[f"run-{version}"].text
    assert re.search(r"\bp \d{4}-\d\d-\d\d \d\d:\d\d:\d\d (?:\+2 )?m p \+\d Incomplete\b", text)
    assert "6 Task runs" in text
    assert "Finished in state Incomplete('3 documents: 2 done, 1 failed', type=FAILED)" in text
    for line in LINES:
        assert len(re.findall(line, text)) == 1


def test_the_artifacts_tab_has_the_report_and_the_progress(pages: dict[str, Page]):
    text = pages["artifacts-v2"].text
    assert "p-report" in text
    assert "incomplete: 3 documents: 2 done, 1 failed" in text
    assert "p-progress" in text
    assert "3 of 3: 2 done, 1 failed" in text


@pytest.mark.parametrize("version", VERSIONS)
def test_a_document_that_failed_before_any_call_is_found_in_the_report(pages: dict[str, Page], version: str):
    text = pages[f"report-{version}"].text
    assert "Not done document status reason in/empty.txt failed the file is empty" in text
    assert re.search(r"cost \$[\d.]+ calls paid 3 in 3 attempts, 3 from the cache tokens \d+ read", text), (
        text
    )
    for heading in ("Slowest", "Dearest", "Results"):
        assert heading in text
    assert "docmill_outcomes docmill_runs p__thing" in text


def test_the_report_draws_the_pipeline(pages: dict[str, Page]):
    drawn = " ".join(pages["report-v2"].elements("svg"))
    for name in ("in/*.txt", "summarize", "classify", "extract", "p__thing"):
        assert name in drawn


def test_without_chromium_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssertionError, match="apt-get install chromium"):
        opened("about:blank", tmp_path, "blank", "")
