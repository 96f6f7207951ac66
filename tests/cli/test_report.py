"""`docmill report` and `docmill export`: what a run came to, read from the results alone."""

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.planted import STARTED, outcome, plant
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import saying

pytestmark = pytest.mark.usefixtures("prefect_api")
Printed = pytest.CaptureFixture[str]


@pytest.fixture
def mixed(project: Project, provider: Provider) -> Project:
    """Give a project whose one run left two documents done, one failed and one invalid."""
    project.documents(a="one", b="two", empty="", wrong="three")
    provider.rule(lambda request: saying("{}") if "three" in request.text else None)
    endpoint = f"{{base_url: '{provider.url}', prices: {{input: 1, output: 2}}}}"
    assert project.run("run", str(project.pipeline(endpoint, "  - extract: {schema: thing}\n"))) == 1
    return project


def _lines(project: Project, printed: Printed, *arguments: str) -> list[str]:
    printed.readouterr()
    assert project.run(*arguments) == 0
    return printed.readouterr().out.splitlines()


def test_every_document_that_is_not_done_has_its_reason(mixed: Project, capfd: Printed):
    lines = _lines(mixed, capfd, "report", "p.yaml")
    assert lines[1] == "incomplete: 4 documents: 2 done, 1 invalid, 1 failed"
    assert lines[lines.index("documents") + 1 :] == [
        "failed    in/empty.txt  the file is empty",
        "invalid   in/wrong.txt  extract: the reply does not satisfy the schema: "
        'properties "name", "on" are missing',
    ]
    assert "dearest" in lines
    assert sum("in/a.txt" in line for line in lines) == 2  # among the slowest and the dearest


def test_a_status_limits_the_documents(mixed: Project, capfd: Printed):
    lines = _lines(mixed, capfd, "report", "p.yaml", "--status", "done", "--status", "invalid")
    listed = lines[lines.index("documents") + 1 :]
    assert [line.split()[:2] for line in listed] == [
        ["done", "in/a.txt"],
        ["done", "in/b.txt"],
        ["invalid", "in/wrong.txt"],
    ]


def test_json_is_one_object(mixed: Project, capfd: Printed):
    [line] = _lines(mixed, capfd, "report", "p.yaml", "--json")
    told = json.loads(line)
    assert told["run"]["state"] == "incomplete"
    assert told["run"]["started_at"].endswith("+00:00")
    assert [row["document_id"] for row in told["documents"]] == ["in/empty.txt", "in/wrong.txt"]
    assert told["dearest"][0]["document_id"] == "in/wrong.txt"  # it was asked three times


def test_the_dearest_and_slowest_are_the_runs_own(project: Project, capfd: Printed):
    project.documents(a="text", b="text b")
    project.pipeline("http://127.0.0.1:9/v1", "  - summarize:\n")
    plant([outcome(Path("in/a.txt"), cost_usd=9.0, seconds=90.0)], "r1", STARTED)
    plant([outcome(Path("in/b.txt"))], "r2", STARTED + timedelta(days=1))
    told = json.loads(_lines(project, capfd, "report", "p.yaml", "--json")[0])
    assert told["run"]["run_id"] == "r2"
    for name in ("dearest", "slowest"):
        assert [row["document_id"] for row in told[name]] == ["in/b.txt"]


def test_a_run_is_reported_with_what_is_still_its_own(mixed: Project, capfd: Printed):
    [(first,)] = mixed.rows("select run_id from docmill_runs")
    assert mixed.run("run", "p.yaml") == 1
    told = json.loads(
        _lines(mixed, capfd, "report", "p.yaml", "--run", first, "--status", "done", "--json")[0]
    )
    assert told["run"]["run_id"] == first
    assert [row["document_id"] for row in told["documents"]] == ["in/a.txt", "in/b.txt"]
    told = json.loads(_lines(mixed, capfd, "report", "p.yaml", "--run", first, "--json")[0])
    assert told["documents"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--run", "nonsense"], "there is no run 'nonsense'"), (["--into", "sqlite:///no.db"], "no results")],
)
def test_what_is_not_there_is_a_wrong_configuration(
    mixed: Project, capfd: Printed, arguments: list[str], said: str
):
    assert mixed.run("report", "p.yaml", *arguments) == 2
    assert said in capfd.readouterr().err


def test_csv_has_a_column_a_field(mixed: Project, capfd: Printed):
    lines = _lines(mixed, capfd, "export", "p.yaml", "--to", "csv")
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    assert list(rows[0]) == ["document_id", "status", "label", "summary", "name", "count", "on"]
    assert rows[0] == {
        "document_id": "in/a.txt",
        "status": "done",
        "label": "",
        "summary": "",
        "name": "Example",
        "count": "1",
        "on": "2024-01-31",
    }
    assert [row["status"] for row in rows] == ["done", "done", "failed", "invalid"]


def test_jsonl_is_the_row(mixed: Project, capfd: Printed):
    [line] = _lines(mixed, capfd, "export", "p.yaml", "--to", "jsonl", "--status", "failed")
    columns = [name for _, name, *_ in mixed.rows("pragma table_info(docmill_outcomes)")]
    assert list(json.loads(line)) == columns
