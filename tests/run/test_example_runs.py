"""Examples of reviews in a run: shown to all other documents, and the next run asks nothing."""

import json
from typing import Any

import pytest

from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.reviewing import BILL, TEXT, TRUE
from tests.support.shapes import saying

pytestmark = pytest.mark.usefixtures("prefect_api")
STEP = "  - extract: {{schema: bill{more}}}\n"


def texts(request: Any) -> list[str]:
    """Give the numbers of the documents in a request, the asked one last."""
    said = [each["content"] for each in request.parsed["messages"] if each["role"] == "user"]
    return [content.partition("No. ")[2][0] for content in said]


def test_no_document_is_shown_to_itself_and_a_second_run_asks_nothing(project: Project, provider: Provider):
    project.documents(**{name: f"{TEXT}\nNo. {name}\n" for name in "abc"})
    project.schema("bill", BILL)
    provider.always(saying(json.dumps(TRUE | {"name": "Eve"})))
    assert project.run("run", str(project.pipeline(provider.url, STEP.format(more="")))) == 0
    corrected = [argument for name in "ab" for argument in ("--set", f"in/{name}.txt", "name=Ada Ltd")]
    assert project.run("review", "p.yaml", *corrected) == 0
    provider.requests.clear()
    project.pipeline(provider.url, STEP.format(more=", examples_from_reviews: 2"))
    assert project.run("run", "p.yaml") == 0
    shown = {asked: set(examples) for *examples, asked in map(texts, provider.requests)}
    assert shown == {"a": {"b"}, "b": {"a"}, "c": {"a", "b"}}
    assert project.statuses() == {"in/a.txt": "done", "in/b.txt": "done", "in/c.txt": "review"}
    assert project.run("run", "p.yaml") == 0
    assert len(provider.requests) == 3
