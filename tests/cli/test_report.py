"""`docmill report` and `docmill export`: what a run came to, read from the results alone."""

import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.connection import Request
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


@pytest.mark.slow
def test_every_document_that_is_not_done_has_its_reason(mixed: Project, capfd: Printed):
    lines = _lines(mixed, capfd, "report", "p.yaml")
    assert lines[1] == "incomplete: 4 documents: 2 done, 1 invalid, 1 failed"
    assert lines[lines.index("documents") + 1 :] == [
        "failed    in/empty.txt  the file is empty",
        "invalid   in/wrong.txt  extract: the reply does not satisfy the schema: "
        'properties "name", "on" are missing',
        "          extract replied: thing: {}",
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
        ["extract", "replied:"],
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_jsonl_is_the_row(mixed: Project, capfd: Printed):
    [line] = _lines(mixed, capfd, "export", "p.yaml", "--to", "jsonl", "--status", "failed")
    columns = [name for _, name, *_ in mixed.rows("pragma table_info(docmill_outcomes)")]
    assert list(json.loads(line)) == columns


COMPUTED = {
    "=cmd|'/c calc'!A0": "'=cmd|'/c calc'!A0",
    "+1+1": "'+1+1",
    "-2+3": "'-2+3",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t=1",
    "\r=1": "'\n=1",
    " =1": "' =1",
    "\x01=1": "' =1",
    "\uff1d1": "'\uff1d1",
    'a";=1': 'a";=1',
    "a\x1b[2Jb\x9bc\r\nd\xa0e": "a [2Jb c\nd\xa0e",
    "a=1 - b": "a=1 - b",
    "": "",
}


@pytest.mark.parametrize("field", ["name", "=name"])
@pytest.mark.slow
def test_csv_has_no_cell_that_a_spreadsheet_computes(
    project: Project, provider: Provider, capfd: Printed, field: str
):
    properties = {field: {"type": "string"}, "net": {"type": "number"}}
    project.schema("bill", {"type": "object", "properties": properties})
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(len(COMPUTED))})

    def answer(request: Request) -> Any:
        [number] = re.findall(r"text (\d+)", request.text)
        return saying(json.dumps({field: list(COMPUTED)[int(number)], "net": -75.2}))

    provider.rule(answer)
    project.run("run", str(project.pipeline(provider.url, "  - extract: {schema: bill}\n")))

    def cells(*arguments: str) -> list[list[str]]:
        capfd.readouterr()
        assert project.run("export", "p.yaml", "--to", "csv", *arguments) == 0
        return list(csv.reader(io.StringIO(capfd.readouterr().out, newline="")))

    (head, *rows), (raw_head, *raw_rows) = cells(), cells("--raw")
    assert (head[4:], raw_head[4:]) == (["'" * field.startswith("=") + field, "net"], [field, "net"])
    assert [row[4:] for row in rows] == [[cell, "-75.2"] for cell in COMPUTED.values()]
    assert [row[4:] for row in raw_rows] == [[cell, "-75.2"] for cell in COMPUTED]


@pytest.mark.slow
def test_each_cell_stands_in_quotes_so_that_a_semicolon_begins_none(mixed: Project, capfd: Printed):
    lines = _lines(mixed, capfd, "export", "p.yaml", "--to", "csv", "--status", "failed")
    assert lines[1] == '"in/empty.txt","failed","","","","",""'


@pytest.fixture
def night(project: Project) -> Project:
    """Give a project of two runs, the first of which has three documents that are not done."""
    project.documents(a="a", b="b", c="c", d="d")
    project.pipeline("http://127.0.0.1:9/v1", "  - summarize:\n")
    refused = "extract: the server answered 400 [request {}]: no"
    failed = [outcome(Path(f"in/{name}.txt"), "failed", error=refused.format(name)) for name in "ab"]
    plant([*failed, outcome(Path("in/c.txt"), "invalid", error="it is empty")], "3f2a-1")
    plant([outcome(Path("in/d.txt"))], "3f2b-2", STARTED + timedelta(days=1))
    return project


def test_reasons_come_with_their_counts_the_most_frequent_first(night: Project, capfd: Printed):
    lines = _lines(night, capfd, "report", "p.yaml")
    first = lines.index("reasons") + 1
    assert lines[first : first + 3] == [
        "     2 × failed: extract: the server answered 400: no",
        "     1 × invalid: it is empty",
        "",
    ]
    assert lines[first + 3] == "documents"


def test_a_reason_limits_the_documents(night: Project, capfd: Printed):
    told = json.loads(_lines(night, capfd, "report", "p.yaml", "--reason", "ANSWERED 400", "--json")[0])
    assert [row["document_id"] for row in told["documents"]] == ["in/a.txt", "in/b.txt"]
    assert told["reasons"] == [
        {"status": "failed", "reason": "extract: the server answered 400: no", "documents": 2}
    ]


def test_the_beginning_of_an_id_names_a_run(night: Project, capfd: Printed):
    told = json.loads(_lines(night, capfd, "report", "p.yaml", "--run", "3f2a", "--json")[0])
    assert told["run"]["run_id"] == "3f2a-1"
    assert len(told["documents"]) == 3


def test_a_beginning_that_several_runs_have_is_refused(night: Project, capfd: Printed):
    assert night.run("report", "p.yaml", "--run", "3f2") == 2
    assert "several runs begin with '3f2'" in capfd.readouterr().err
    assert night.run("report", "p.yaml", "--run", "3f2%") == 2
    assert "there is no run" in capfd.readouterr().err
