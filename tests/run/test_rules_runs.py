"""Rules in runs: a record that breaks one is asked about once more, and then a person decides."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.connection import Request
from tests.support.documents import pdf
from tests.support.project import THING, Project
from tests.support.provider import Provider
from tests.support.shapes import Shape, requested_schema, saying

pytestmark = pytest.mark.usefixtures("prefect_api")

PARAMETERS: Any = THING["parameters"]
CHECKED: Any = {
    **THING,
    "parameters": {"type": "object", "properties": PARAMETERS["properties"], "required": ["name", "on"]},
}
TEXT = "Ada Ltd sent 1130 things, not 1131, on 31. Januar 2024."
RULE = "{name: most, that: count <= 1130, message: at most 1130 things}"
STEPS = f"  - extract: {{schema: thing, rules: [{RULE}]}}\n"


def record(count: int) -> Shape:
    return saying(json.dumps({"name": "Ada Ltd", "count": count, "on": "2024-01-31"}))


def run(project: Project, provider: Provider, steps: str = STEPS, schema: Any = CHECKED) -> int:
    project.documents(a=TEXT)
    project.schema("thing", schema)
    return project.run("run", str(project.pipeline(provider.url, steps)))


def outcome(project: Project) -> dict[str, Any]:
    [row] = project.rows("select status, record, broken_rules, error, attempts from docmill_outcomes")
    status, kept, broken, error, attempts = row
    return {
        "status": status,
        "count": json.loads(kept)["count"],
        "broken": json.loads(broken),
        "error": error,
        "attempts": attempts,
    }


@pytest.mark.slow
def test_a_broken_rule_is_told_to_the_model_once_and_what_keeps_it_then_is_done(
    project: Project, provider: Provider
):
    provider.script(record(1131), record(1130))
    assert run(project, provider) == 0
    found = outcome(project)
    assert (found["status"], found["count"], found["broken"], found["attempts"]) == ("done", 1130, [], 2)
    assert "at most 1130 things" in provider.requests[1].body.decode()
    assert "at most 1130 things" not in provider.requests[0].body.decode()


def test_what_breaks_it_still_is_in_review_with_its_message(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    provider.always(record(1131))
    assert run(project, provider) == 0
    assert outcome(project) == {
        "status": "review",
        "count": 1131,
        "broken": [{"name": "most", "message": "at most 1130 things"}],
        "error": "extract: breaks the rule most",
        "attempts": 2,
    }
    assert project.run("report", "p.yaml", "--status", "review") == 0
    assert "rule most: at most 1130 things" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.slow
def test_once_the_repairs_are_used_up_a_broken_rule_is_asked_about_no_more(
    project: Project, provider: Provider
):
    provider.script(saying("no"), saying("no"), record(1131))
    assert run(project, provider) == 0
    assert outcome(project)["status"] == "review"
    assert len(provider.requests) == 3


@pytest.mark.slow
def test_a_rule_of_the_schemas_file_holds_and_is_not_sent(project: Project, provider: Provider):
    provider.always(record(1131))
    ruled = {**CHECKED, "x-rules": [{"name": "few", "that": "count < 10"}]}
    assert run(project, provider, "  - extract: {schema: thing}\n", ruled) == 0
    assert outcome(project)["broken"] == [{"name": "few", "message": "count < 10 does not hold"}]
    assert not any("x-rules" in request.body.decode() for request in provider.requests)


@pytest.mark.slow
def test_a_rule_that_is_added_is_looked_at_again_and_paid_once(project: Project, provider: Provider):
    provider.always(record(1130))
    assert run(project, provider, "  - extract: {schema: thing}\n") == 0
    assert run(project, provider) == 0
    assert outcome(project)["status"] == "done"
    assert len(provider.requests) == 1


def test_a_wrong_rule_is_told_with_its_place_before_anything_is_sent(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    steps = "  - extract: {schema: thing, rules: [{name: r, that: 'cont > 1'}]}\n"
    assert run(project, provider, steps) == 2
    assert "'cont' is no property of the schema; did you mean count?" in capsys.readouterr().err
    assert provider.requests == []


def test_an_answer_with_a_schema_has_rules_too(project: Project, provider: Provider):
    provider.always(record(1131))
    steps = f"  - ask: {{prompt: How many?, schema: thing, rules: [{RULE}]}}\n"
    assert run(project, provider, steps) == 0
    assert project.rows("select status, error from docmill_outcomes") == [
        ("review", "ask: breaks the rule most")
    ]
    assert len(provider.requests) == 2


FACTS = "  - classify: {labels: {order: an order, letter: all else}}\n  - summarize:\n" + (
    "  - extract: {schema: thing, rules: [{name: short, that: document.pages < 2},"
    " {name: of, that: \"document.label == 'letter' || count == 1130\"}]}\n"
)


def labelling(label: str, count: int) -> Any:
    """Answer with a label, a summary and a record."""

    def answered(request: Request) -> Any:
        asked = (requested_schema(request) or {"properties": {}})["properties"]
        labelled = saying(json.dumps({"category": label}))
        answer: Any = labelled if "category" in asked else record(count) if asked else saying("A summary.")
        return answer(request)

    return answered


def test_rules_speak_of_a_documents_pages_and_of_its_label(project: Project, provider: Provider):
    provider.always(labelling("order", 1131))
    Path("in").mkdir()
    Path("in/one.pdf").write_bytes(pdf(TEXT))
    Path("in/two.pdf").write_bytes(pdf(TEXT, "The second page."))
    project.documents(none=TEXT)
    project.schema("thing", CHECKED)
    assert project.run("run", str(project.pipeline(provider.url, FACTS, documents="in/*"))) == 0
    found = dict(project.rows("select document_id, broken_rules from docmill_outcomes"))
    told = {name: [each["name"] for each in json.loads(broken)] for name, broken in found.items()}
    assert told == {"in/none.txt": ["of"], "in/one.pdf": ["of"], "in/two.pdf": ["short", "of"]}


@pytest.mark.slow
def test_a_corrected_record_is_held_against_the_same_pages_and_the_decided_label(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    provider.always(labelling("letter", 1131))
    Path("in").mkdir()
    Path("in/two.pdf").write_bytes(pdf(TEXT, "The second page."))
    project.schema("thing", CHECKED)
    assert project.run("run", str(project.pipeline(provider.url, FACTS, documents="in/*"))) == 0
    [(steps,)] = project.rows("select steps from docmill_outcomes")
    assert json.loads(steps)["extract"]["about"] == {"pages": 2, "label": "letter"}
    assert "about" not in json.loads(steps)["classify"]
    two = "in/two.pdf"
    assert project.run("review", "p.yaml", "--set", two, "classify:label=order") == 2
    assert "of" in capfd.readouterr().err
    changed = ("--set", two, "count=1130")
    assert project.run("review", "p.yaml", "--set", two, "classify:label=order", *changed) == 0
    assert project.statuses() == {two: "review"}  # it has two pages still
    assert project.run("review", "p.yaml", "--accept", two) == 0
    assert project.statuses() == {two: "done"}
