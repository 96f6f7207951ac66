"""The command line: what it prints, what it exits with, and what it does not import."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docmill.flows.process import process
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import saying

STEP = "  - summarize:\n"
LIGHT = """
import json, sys
from docmill.flows.cli import invoke

def code(arguments):
    try:
        return invoke(arguments)
    except SystemExit as ended:
        return ended.code

codes = [code(arguments) for arguments in json.loads(sys.argv[1])]
assert "prefect" not in sys.modules, "Prefect was imported"
print(json.dumps(codes))
"""
SENDING_NOTHING = [
    ["--help"],
    ["--version"],
    ["run", "--help"],
    ["chat", "--help"],
    ["watch", "--help"],
    ["up", "--help"],
    ["init"],
    ["deploy", "p.yaml", "--cron", "30 2 * * *"],
    ["down"],
    ["check", "p.yaml"],
    ["run", "none.yaml"],
]


def without_prefect(*commands: list[str]) -> tuple[list[int], str]:
    """Run commands in a process that fails where Prefect is imported; gives their codes and their words."""
    program = [sys.executable, "-c", LIGHT, json.dumps(commands)]
    ended = subprocess.run(program, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    *printed, codes = ended.stdout.splitlines()
    return json.loads(codes), "\n".join(printed)


def test_what_sends_nothing_does_not_import_prefect(project: Project):
    project.documents(a="text")
    project.pipeline("http://127.0.0.1:9/v1", STEP)
    codes, _ = without_prefect(*SENDING_NOTHING)
    assert codes == [*[0] * (len(SENDING_NOTHING) - 1), 2]


@pytest.mark.slow
def test_evaluate_does_not_import_prefect(project: Project, provider: Provider, prefect_api: str):
    project.documents(a="text")
    (project.root / "labels.csv").write_text("document,label\na.txt,a\n")
    pipeline = str(project.pipeline(provider.url))
    assert project.run("run", pipeline) == 0
    codes, printed = without_prefect(["evaluate", pipeline, "--labels", "labels.csv"])
    assert codes == [0]
    assert "all labels" in printed


def test_the_first_line_says_whom_it_asks_and_where_that_came_from(
    project: Project, provider: Provider, prefect_api: str, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="text")
    assert project.run("run", str(project.pipeline(provider.url, STEP)), "--model", "other") == 0
    printed = capfd.readouterr().out.splitlines()
    assert printed[0] == f"endpoint {provider.url} (pipeline), model other (--model)"
    assert printed[3].startswith(f"watch this run: {prefect_api.removesuffix('/api')}/runs/flow-run/")
    assert "complete: 1 document: 1 done" in printed
    [(run_id,)] = project.rows("select run_id from docmill_runs")
    assert printed[-2:] == ["results: sqlite:///results.db", f"run {run_id[:8]}"]


def test_json_is_the_runs_row_and_nothing_else_on_stdout(
    project: Project, provider: Provider, prefect_api: str, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="one", b="two")
    assert project.run("run", str(project.pipeline(provider.url, STEP)), "--json") == 0
    row = json.loads(capfd.readouterr().out)
    columns = [name for _, name, *_ in project.rows("pragma table_info(docmill_runs)")]
    assert list(row) == columns
    assert (row["state"], row["documents_in"], row["done"], row["calls"]) == ("complete", 2, 2, 2)


@pytest.mark.slow
def test_limit_takes_up_the_first_that_are_not_unchanged(
    project: Project, provider: Provider, prefect_api: str
):
    project.documents(a="one", b="two", c="three")
    pipeline = str(project.pipeline(provider.url, STEP))
    assert project.run("run", pipeline, "--limit", "1") == 0
    assert project.run("run", pipeline, "--limit", "1") == 0
    assert project.statuses() == {"in/a.txt": "done", "in/b.txt": "done"}
    assert project.rows("select documents_in, done, unchanged from docmill_runs order by started_at") == [
        (1, 1, 0),
        (2, 1, 1),
    ]


def test_document_and_sample_take_up_a_part(
    project: Project, provider: Provider, prefect_api: str, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="one", b="two", c="three")
    pipeline = str(project.pipeline(provider.url, STEP))
    assert project.run("run", pipeline, "--document", "in/c.txt") == 0
    assert project.statuses() == {"in/c.txt": "done"}
    assert project.run("run", pipeline, "--sample", "2") == 0
    first = project.statuses().keys()
    assert project.run("run", pipeline, "--sample", "2") == 0
    assert project.statuses().keys() == first
    calls = len(provider.requests)
    assert project.run("run", pipeline, "--document", "c.txt") == 2
    assert "has the id 'c.txt'" in capfd.readouterr().err
    assert len(provider.requests) == calls


@pytest.mark.parametrize("documents", ["in/*.pdf", "nowhere/*.txt"])
def test_a_source_that_matches_nothing_is_a_wrong_configuration(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str], documents: str
):
    project.documents(a="text")
    pipeline = str(project.pipeline(provider.url, STEP, documents=documents))
    assert project.run("run", pipeline) == project.run("check", pipeline) == 2
    assert "documents: " in capfd.readouterr().err
    assert not provider.requests
    assert not (project.root / "results.db").exists()


WRONG = {
    "a cycle": ("  - summarize: {needs: [classify]}\n  - classify: {labels: {a: x, b: y}}\n", "p.yaml:9:5: "),
    "an unknown step": ("  - summarize: {input: sumary}\n", "p.yaml:8:17: "),
    "a misspelt key": ("  - summarize: {max_word: 3}\n", "did you mean max_words?"),
    "a missing schema file": ("  - extract: {schema: thinng}\n", "did you mean thing?"),
    "a schema with a remote $ref": (
        "  - extract: {schema: remote}\n",
        "remote.json:1: /parameters/properties/a",
    ),
}


@pytest.mark.parametrize(("steps", "place"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_wrong_pipeline_exits_with_2_and_the_place(
    project: Project,
    provider: Provider,
    capfd: pytest.CaptureFixture[str],
    command: str,
    steps: str,
    place: str,
):
    """Shown by 5."""
    remote = {"type": "object", "properties": {"a": {"$ref": "https://example.com/s.json"}}}
    project.schema("remote", {"name": "remote", "description": "Far.", "parameters": remote})
    project.documents(a="text")
    assert project.run(command, str(project.pipeline(provider.url, steps))) == 2
    assert place in capfd.readouterr().err
    assert not provider.requests


def test_a_password_in_a_url_exits_with_2_and_is_not_shown(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    """Shown by 5."""
    project.documents(a="text")
    pipeline = project.pipeline(provider.url, STEP, into="postgresql://u:geheim@localhost/d")
    assert project.run("run", str(pipeline)) == 2
    said = capfd.readouterr().err
    assert "p.yaml:5:1: into: a password must not stand in a pipeline" in said
    assert "geheim" not in said


@pytest.mark.slow
async def test_a_scheduled_run_over_an_empty_source_is_complete(
    project: Project, provider: Provider, prefect_api: str
):
    (project.root / "in").mkdir()
    state = await process(project.pipeline(provider.url, STEP), return_state=True)
    assert (state.name, state.message) == ("Completed", "0 documents")
    assert project.rows("select state, documents_in from docmill_runs") == [("complete", 0)]


@pytest.mark.slow
async def test_a_scheduled_run_over_a_missing_directory_fails(
    project: Project, provider: Provider, prefect_api: str
):
    state = await process(project.pipeline(provider.url, STEP), return_state=True)
    assert state.name == "Failed"
    assert "there is no directory" in str(state.message)


def test_a_missing_key_is_named_before_anything_is_sent(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="text")
    endpoint = f"{{base_url: '{provider.url}', api_key_env: DOCMILL_TEAM_KEY}}"
    assert project.run("run", str(project.pipeline(endpoint, STEP))) == 2
    assert "DOCMILL_TEAM_KEY is not set" in capfd.readouterr().err
    assert not provider.requests


@pytest.mark.parametrize(
    "arguments", [["run"], ["run", "p.yaml", "--concurency", "3"], ["run", "p.yaml", "--limit", "0"], ["go"]]
)
def test_wrong_arguments_exit_with_2(project: Project, arguments: list[str]):
    assert project.run(*arguments) == 2


def test_nothing_of_a_documents_making_moves_the_terminals_cursor(
    project: Project, provider: Provider, prefect_api: str, capfd: pytest.CaptureFixture[str]
):
    project.documents(**{"a[red]": "text"})
    provider.always(saying("[bold]\x1b[2J gone \u202e \r"))
    assert project.run("run", str(project.pipeline(provider.url, STEP))) == 0
    printed = capfd.readouterr().out
    assert "a[red].txt" in printed
    assert "[bold] [2J gone" in printed
    assert "\x1b" not in printed
    assert "\u202e" not in printed


def test_check_says_what_a_run_would_do_and_sends_nothing(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="one", b="two")
    assert project.run("check", str(project.pipeline(provider.url))) == 0
    assert capfd.readouterr().out.splitlines() == [
        f"endpoint {provider.url} (pipeline), model m (pipeline)",
        "  summarize",
        "  classify after summarize",
        "  extract after classify",
        "documents: 2",
        "into: sqlite:///results.db",
        f"{project.root}/p.yaml: ok",
    ]
    assert not provider.requests


def test_check_and_run_name_a_folder_for_results_that_does_not_exist(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="one")
    pipeline = str(project.pipeline(provider.url, into="sqlite:///out/results.db"))
    for command in ("check", "run"):
        assert project.run(command, pipeline) == 2
        assert "into: there is no folder 'out' for results.db: make it first" in capfd.readouterr().err
    assert not provider.requests


@pytest.mark.slow
def test_on_a_terminal_there_is_a_bar(project: Project, provider: Provider, prefect_api: str):
    project.documents(**{f"d{number}": f"text {number}" for number in range(8)})
    provider.delay_s = 0.3
    pipeline = str(project.pipeline(provider.url, STEP, limits="{concurrency: 1}"))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "docmill", "run", pipeline]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    run = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while chunk := _chunk(ours):
        shown += chunk
    assert run.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert re.search(r"documents .* [1-8]/8, ", text)
    assert "/min" in text
    assert "complete: 8 documents: 8 done" in text


def _chunk(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says EIO when the other side has closed
        return b""


def test_a_pipeline_is_found_by_its_name(project: Project, provider: Provider):
    project.documents(a="text")
    file = project.pipeline(provider.url, STEP)
    folder = Path("flows/pipelines")
    folder.mkdir(parents=True)
    file.rename(folder / "p.yaml")
    assert project.run("check", "p") == 0
