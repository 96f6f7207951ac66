"""A document of which a part could not be read is not done, unless the pipeline allows it."""

import json
from pathlib import Path
from typing import Any

import pytest

from docmill.flows.api.results import results
from tests.support.partly import WHY, partly
from tests.support.project import THING, Project
from tests.support.provider import Provider
from tests.support.shapes import saying

pytestmark = pytest.mark.usefixtures("prefect_api", "partial")
Printed = pytest.CaptureFixture[str]

EXTRACT = "  - extract: {schema: thing}\n"
RECORD = {"name": "Ada Ltd", "count": 3, "on": "2024-01-31"}
TEXT = "Ada Ltd sent 3 things on 2024-01-31."
HOSTILE = "attachment <b>[x](http://evil.example)\x1b[2J.pdf"
SHOWN = "attachment <b>[x](http://evil.example)[2J.pdf"
NOT_READ = f"2 parts of the document could not be read: {WHY}"


def documents(project: Project, **contents: bytes) -> None:
    for name, content in contents.items():
        Path("in").mkdir(exist_ok=True)
        (project.root / "in" / f"{name}.pdf").write_bytes(content)


def run(project: Project, provider: Provider, *options: str, steps: str = EXTRACT, **keys: str) -> int:
    whole = {"documents": "in/*", **keys}
    return project.run("run", str(project.pipeline(provider.url, steps, **whole)), *options)


def outcome(project: Project) -> dict[str, Any]:
    columns = ("status", "unread", "error", "record", "steps")
    [row] = project.rows(f"select {', '.join(columns)} from docmill_outcomes")
    found = dict(zip(columns, row, strict=True))
    return found | {name: json.loads(found[name] or "null") for name in ("unread", "record", "steps")}


@pytest.fixture
def scanned(project: Project, provider: Provider) -> Project:
    """Give a project of one document that lacks two of its parts."""
    documents(project, a=partly(TEXT, "page 3", HOSTILE))
    provider.always(saying(json.dumps(RECORD)))
    return project


def test_a_document_with_an_unread_part_is_in_review_with_its_record_and_without_a_row(
    scanned: Project, provider: Provider, capfd: Printed
):
    assert run(scanned, provider) == 0
    assert TEXT in provider.requests[0].text
    found = outcome(scanned)
    assert (found["status"], found["error"], found["record"]) == ("review", NOT_READ, RECORD)
    assert found["unread"] == [{"part": "page 3", "why": WHY}, {"part": SHOWN, "why": WHY}]
    assert found["steps"]["extract"]["status"] == "done"
    assert scanned.rows("select * from p__thing") == []
    printed = capfd.readouterr()
    assert "complete: 1 document: 1 review" in printed.out
    assert "evil.example" not in printed.out + printed.err


def test_where_it_is_allowed_it_is_done_with_its_row_and_told(
    scanned: Project, provider: Provider, capfd: Printed
):
    assert run(scanned, provider, unread="allow") == 0
    found = outcome(scanned)
    assert (found["status"], found["error"], len(found["unread"])) == ("done", None, 2)
    assert scanned.rows("select name from p__thing") == [("Ada Ltd",)]
    assert "1 done with parts that could not be read, as unread says" in capfd.readouterr().out


@pytest.mark.slow
def test_allowing_it_later_takes_the_document_up_again_and_asks_nothing_anew(
    scanned: Project, provider: Provider
):
    statuses = []
    for unread in ("review", "review", "allow", "allow", "review"):
        assert run(scanned, provider, unread=unread) == 0
        statuses.append(outcome(scanned)["status"])
    assert statuses == ["review", "review", "done", "done", "review"]
    assert len(provider.requests) == 1
    assert scanned.rows("select unchanged, cached_calls from docmill_runs order by started_at") == [
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 0),
        (0, 1),
    ]


def test_a_review_says_both_what_is_not_in_the_document_and_what_was_not_read(
    scanned: Project, provider: Provider
):
    scanned.schema("thing", {**THING, "parameters": {**THING["parameters"], "x-evidence": True}})  # type: ignore[dict-item]
    provider.always(saying(json.dumps(RECORD | {"name": "Eve Ltd"})))
    assert run(scanned, provider) == 0
    assert outcome(scanned)["error"] == f"extract: not found in the document: name; {NOT_READ}"
    assert run(scanned, provider, unread="allow") == 0
    found = outcome(scanned)
    assert (found["status"], found["error"]) == ("review", "extract: not found in the document: name")


@pytest.mark.slow
def test_a_failure_goes_before_it_and_the_column_tells_it_all_the_same(scanned: Project, provider: Provider):
    provider.always("bad_request")
    assert run(scanned, provider) == 1
    found = outcome(scanned)
    assert (found["status"], len(found["unread"])) == ("failed", 2)
    assert found["error"].startswith("extract: the server answered 400")


@pytest.mark.slow
def test_a_document_read_whole_has_an_empty_list_and_one_not_read_at_all_has_none(
    project: Project, provider: Provider
):
    documents(project, a=partly(TEXT), empty=b"")
    assert run(project, provider, steps="  - summarize:\n") == 1
    assert project.rows("select status, unread from docmill_outcomes order by document_id") == [
        ("done", "[]"),
        ("failed", None),
    ]


@pytest.mark.slow
def test_the_report_and_the_export_name_the_parts(scanned: Project, provider: Provider, capfd: Printed):
    assert run(scanned, provider) == 0
    capfd.readouterr()
    assert scanned.run("report", "p.yaml") == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[lines.index("documents") + 1 :] == [
        f"review    in/a.pdf  {NOT_READ}",
        f"          not read: page 3: {WHY}",
        f"          not read: {SHOWN}: {WHY}",
    ]
    parts = [{"part": "page 3", "why": WHY}, {"part": SHOWN, "why": WHY}]
    assert scanned.run("report", "p.yaml", "--json") == 0
    assert json.loads(capfd.readouterr().out)["documents"][0]["unread"] == parts
    assert scanned.run("export", "p.yaml", "--to", "jsonl") == 0
    assert json.loads(capfd.readouterr().out)["unread"] == parts
    with results("sqlite:///results.db") as stored:
        [found] = stored.outcomes()
    assert [each.model_dump() for each in found.unread or ()] == parts
