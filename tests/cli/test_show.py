"""`docmill show`: the requests of a document as they are sent, and the replies that the cache holds."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from docmill.schemas.money import money
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import saying

STEPS = (
    "  - classify: {labels: {bill: asks for money, other: anything else}}\n"
    "  - summarize: {id: gist, when: {classify: bill}, max_words: 9}\n"
    "  - summarize: {id: short, when: {classify: other}, input: gist}\n"
)
LABEL = '{"category": "bill"}'


@pytest.fixture
def pipeline(project: Project, provider: Provider) -> str:
    project.documents(a="A bill of 9 EUR.", b="Another.")
    return str(project.pipeline(provider.url, STEPS))


def shown(project: Project, capfd: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Run `show --json`, and give its steps by their ids."""
    capfd.readouterr()
    assert project.run("show", *arguments, "--json") == 0
    found = json.loads(capfd.readouterr().out)
    return {"document": found["document"], **{step["step"]: step for step in found["steps"]}}


def test_what_is_shown_is_what_is_sent_and_what_came(
    project: Project,
    provider: Provider,
    prefect_api: str,
    pipeline: str,
    capfd: pytest.CaptureFixture[str],
):
    provider.script(saying(LABEL), saying("A bill."), saying(LABEL), saying("A bill."))
    assert project.run("run", pipeline, "--document", "in/a.txt") == 0
    sent = [body.decode() for body in provider.bodies()]
    found = shown(project, capfd, pipeline, "in/a.txt")
    assert [found["classify"]["requests"][0]["request"], found["gist"]["requests"][0]["request"]] == sent
    assert found["classify"]["requests"][0]["completion"]["text"] == LABEL
    assert found["gist"]["requests"][0]["completion"]["text"] == "A bill."
    assert found["short"] == {"step": "short", "requests": [], "why": "is skipped for this document"}
    assert len(provider.requests) == len(sent)


def test_before_a_run_it_shows_the_first_request_and_says_what_waits_for_its_reply(
    project: Project, provider: Provider, pipeline: str, capfd: pytest.CaptureFixture[str]
):
    found = shown(project, capfd, pipeline)
    assert found["document"] == "in/a.txt"
    [request] = found["classify"]["requests"]
    assert json.loads(request["request"])["messages"]
    assert request["completion"] is None
    assert found["gist"]["why"] == "waits for classify, whose reply is not in the cache"
    assert not provider.requests
    assert not (project.root / "results.db").exists()


def test_it_prints_one_step_for_people(project: Project, pipeline: str, capfd: pytest.CaptureFixture[str]):
    assert project.run("show", pipeline, "in/b.txt", "--step", "classify") == 0
    printed = capfd.readouterr().out
    assert printed.startswith("document in/b.txt\n\n==> classify, request 1, ")
    assert '"content":"<document>\\nAnother.' in printed
    assert "==> classify, reply 1: not in the cache <==\n" in printed
    assert "gist" not in printed


def test_what_is_not_there_is_a_wrong_configuration(
    project: Project, pipeline: str, capfd: pytest.CaptureFixture[str]
):
    assert project.run("show", pipeline, "b.txt") == 2
    assert "has the id 'b.txt'" in capfd.readouterr().err
    assert project.run("show", pipeline, "--step", "label") == 2
    assert "--step: there is no step 'label'; there are classify, gist, short" in capfd.readouterr().err


def test_a_document_that_cannot_be_read_is_told(
    project: Project, pipeline: str, capfd: pytest.CaptureFixture[str]
):
    Path(project.root / "in" / "a.txt").write_bytes(b"")
    assert project.run("show", pipeline) == 1
    assert "error: the file is empty" in capfd.readouterr().err


def test_a_trial_shows_all_of_it_and_keeps_nothing_but_the_cache(
    project: Project, provider: Provider, prefect_api: str, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="Ada Ltd", b="Bo Ltd", c="Cy Ltd", d="Di Ltd")
    pipeline = str(project.pipeline(provider.url, "  - summarize:\n"))
    provider.always(saying("A company."))
    assert project.run("run", pipeline, "--try") == 0
    printed = capfd.readouterr().out
    assert "complete: 3 documents: 3 done" in printed
    assert "results: none are kept, as --try says; what was paid for is in the cache" in printed
    assert "document in/c.txt\n\n==> summarize, request 1, " in printed
    assert "in/c.txt: done\n  summary: A company.\n" in printed
    assert "in/d.txt" not in printed
    assert not (project.root / "results.db").exists()
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == 4


def test_a_trial_shows_evidence_cost_and_the_replies_that_would_not_do(
    project: Project, provider: Provider, prefect_api: str, capfd: pytest.CaptureFixture[str]
):
    properties = {"name": {"type": "string"}, "count": {"type": "integer"}}
    parameters = {"type": "object", "properties": properties, "required": ["name", "count"]}
    project.schema("thing", {"name": "thing", "description": "The thing", "parameters": parameters})
    project.documents(a="Ada Ltd sent 7 things.", b="Bo Ltd sent 8.", c="Cy Ltd")
    record = json.dumps({"name": "Ada Ltd", "count": 9})
    provider.rule(lambda request: saying(record if "Ada" in request.text else '{"name": 1}'))
    endpoint = f"{{base_url: '{provider.url}', prices: {{input: 1000, output: 2000}}}}"
    pipeline = str(project.pipeline(endpoint, "  - extract: {schema: thing}\n"))
    assert project.run("run", pipeline, "--try", "--limit", "2") == 1
    printed = capfd.readouterr().out
    good, bad = printed[printed.index("document in/a.txt") :].split("document in/b.txt")
    [asked] = [each for each in provider.requests if "Ada" in each.text]
    assert asked.body.decode() in good
    assert f"{len(record) // 4} written <==\n{record}" in good
    read, written = len(asked.body) // 4, len(record) // 4
    cost = money((1000 * read + 2000 * written) / 1e6, estimated=False)
    tokens = f"{read:,} tokens read, {written:,} written"
    assert f"  {cost}, 1 paid and 0 cached calls, {tokens}\n" in good
    assert "  name: 0: Ada Ltd\n" in good
    assert "  count: not in the document\n" in good
    assert "==> extract, reply 1: not in the cache <==" in bad
    assert '==> extract, rejected reply 2 of the last run <==\nthing: {"name": 1}' in bad
    assert '==> extract, the invalid reply of the last run <==\nthing: {"name": 1}' in bad
    assert re.search(r"^  \$\d\.\d+, 3 paid and 0 cached calls, [\d,]+ tokens read, 6 written$", bad, re.M)
    assert "in/c.txt" not in printed
    assert not (project.root / "results.db").exists()


@pytest.mark.parametrize("other", [["--json"], ["--into", "sqlite:///x.db"]])
def test_a_trial_prints_and_goes_nowhere(
    project: Project, pipeline: str, capfd: pytest.CaptureFixture[str], other: list[str]
):
    assert project.run("run", pipeline, "--try", *other) == 2
    assert f"--try: prints, and keeps nothing: leave {other[0]} out" in capfd.readouterr().err
