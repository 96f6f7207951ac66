"""`docmill report --document`: how an outcome came to be, from its calls as they were made."""

import json
from typing import Any

import pytest

from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import saying

pytestmark = pytest.mark.usefixtures("prefect_api")
Printed = pytest.CaptureFixture[str]
STEPS = "  - classify: {labels: {a: the first, b: the second}}\n  - extract: {schema: thing}\n"


def told(project: Project, printed: Printed, document: str) -> dict[str, Any]:
    printed.readouterr()
    assert project.run("report", "p.yaml", "--document", document, "--json") == 0
    return dict(json.loads(printed.readouterr().out))


@pytest.fixture
def ran(project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give a project whose document was asked through a 503 and a reply that would not do, and its equal."""
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "0.01")
    project.documents(a="text")
    provider.script("unavailable", "ok", saying("{}"), "ok")
    endpoint = f"{{base_url: '{provider.url}', prices: {{input: 1, output: 2}}}}"
    assert project.run("run", str(project.pipeline(endpoint, STEPS))) == 0
    project.documents(b="text")
    assert project.run("run", "p.yaml") == 0
    return project


def test_each_call_says_how_it_came_to_be(ran: Project, capfd: Printed):
    [form] = told(ran, capfd, "in/a.txt")["forms"]
    kinds = {step: [call["kind"] for call in of["made"]] for step, of in form["steps"].items()}
    assert kinds == {"classify": ["failed", "retried"], "extract": ["paid", "repaired"]}
    for step in form["steps"].values():
        assert sum(call["cost_usd"] for call in step["made"]) == pytest.approx(step["cost_usd"])
        assert step["made"][-1]["key"] == step["keys"][0][:12]
    [form] = told(ran, capfd, "in/b.txt")["forms"]
    assert [call["kind"] for step in form["steps"].values() for call in step["made"]] == ["cached"] * 2


def test_an_earlier_form_is_told_before_the_one_that_stands(ran: Project, capfd: Printed):
    ran.documents(a="another text")
    assert ran.run("run", "p.yaml") == 0
    before, now = told(ran, capfd, "in/a.txt")["forms"]
    assert before["content_sha256"] != now["content_sha256"]
    assert ran.run("report", "p.yaml", "--document", "in/a.txt") == 0
    lines = capfd.readouterr().out.splitlines()
    assert sum("until" in line for line in lines) == 1
    assert sum("retried" in line for line in lines) == 1


@pytest.mark.parametrize(("arguments", "said"), [(["in/no.txt"], "no outcome"), (["x", "--run", "r"], "own")])
def test_what_cannot_be_told_is_a_wrong_configuration(
    ran: Project, capfd: Printed, arguments: list[str], said: str
):
    assert ran.run("report", "p.yaml", "--document", *arguments) == 2
    assert said in capfd.readouterr().err
