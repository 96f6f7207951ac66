"""A run that fails as it ends, or by an error that nobody foresaw, tells of its end like any other."""

import json
import sqlite3
import subprocess
import sys

import pytest

from docmill.flows.process import process
from tests.evaluate.test_runs import events
from tests.support.connection import Reply
from tests.support.counting import priced
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import error

STEP = "  - summarize:\n"
BROKEN = """
from docmill.flows.run import documents
async def broken(_):
    raise RuntimeError("what a document says")
documents.Documents.process = broken
from docmill.flows.cli import main
main()
"""


def finished(api: str, run_id: str) -> str | None:
    """Tell the state that a run announced at its end, once it has."""
    state: str | None = events(api, run_id).get("docmill.run.finished", {}).get("state")
    return state


@pytest.mark.slow
def test_a_purse_that_cannot_be_written_in_the_end_fails_the_run(
    project: Project, provider: Provider, prefect_api: str, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="text")

    def drop(_: object) -> None:
        with sqlite3.connect(project.root / "results.db") as connection:
            connection.execute("drop table docmill__spending")
        connection.close()

    provider.rule(drop)
    pipeline = str(project.pipeline(priced(provider), STEP, budget="{run_usd: 5}"))
    capfd.readouterr()
    assert project.run("run", pipeline, "--json") == 3
    printed = capfd.readouterr()
    row = json.loads(printed.out)
    assert (row["state"], row["documents_in"], row["calls"]) == ("failed", 1, 1)
    assert "takes no reservation" in printed.err
    assert eventually(lambda: finished(prefect_api, row["run_id"]) == "failed")


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (error(404, "no such model", "model_not_found"), "name another with --model or in the pipeline"),
        (error(404, "Not Found"), "check base_url (it ends before /chat/completions) and the model's name"),
    ],
    ids=["the model", "the address"],
)
async def test_a_404_names_the_model_and_the_remedy_in_prefect_too(
    project: Project, provider: Provider, prefect_api: str, answer: Reply, remedy: str
):
    project.documents(a="text")
    provider.always(answer)
    state = await process(project.pipeline(provider.url, STEP), return_state=True)
    assert state.name == "Stopped"
    assert remedy in str(state.message)
    assert f"The model asked for is 'm', at {provider.url}. 1 document" in str(state.message)


@pytest.mark.slow
def test_an_error_that_nobody_foresaw_is_told_with_the_run(project: Project, prefect_api: str):
    project.documents(a="text")
    pipeline = str(project.pipeline("http://127.0.0.1:9/v1", STEP))
    command = [sys.executable, "-c", BROKEN, "run", pipeline, "--json"]
    ran = subprocess.run(command, cwd=project.root, capture_output=True, text=True)
    assert ran.returncode == 3
    row = json.loads(ran.stdout)
    assert row["state"] == "failed"
    assert "the run crashed, which is a defect of docmill's" in ran.stderr
    assert project.rows("select state from docmill_runs") == [("failed",)]
    assert eventually(lambda: finished(prefect_api, row["run_id"]) == "failed")
