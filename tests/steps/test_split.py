"""What is asked of a page, and what is made of the answer."""

import json

import pytest

from benchmarks.bundles import HARD, measured
from docmill.schemas.bundle import Pages
from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Endpoint, Target
from docmill.tasks.checks.page_signs import Said
from docmill.tasks.steps.split import KIND

TARGET = Target(name="x", endpoint=Endpoint(base_url="http://localhost/v1"), model="m", identity="x")
LABELS = Pages.model_validate({"labels": {"bill": {"description": "to pay"}, "other": {}}})


@pytest.mark.parametrize(
    ("options", "told", "said"),
    [
        (Pages(), {"page": "first", "number": None, "sender": "Ada"}, Said(True, None, "Ada")),
        (Pages(), {"page": "later", "number": 2, "sender": None}, Said(False, 2)),
        (
            LABELS,
            {"page": "later", "number": None, "sender": None, "kind": "bill"},
            Said(False, label="bill"),
        ),
        (LABELS, {"page": "first", "number": None, "sender": None, "kind": None}, Said(True)),
    ],
)
def test_an_answer_is_what_the_page_says(options: Pages, told: dict[str, object], said: Said):
    completion = Completion(
        id="1",
        text=json.dumps(told),
        model="m",
        finish_reason="stop",
        prompt_tokens=1,
        completion_tokens=1,
    )
    assert KIND.read(completion, options) == said


def test_a_page_is_asked_about_with_the_labels_that_there_are():
    body = json.loads(KIND.request("the page", LABELS, KIND.tool(LABELS, None), TARGET))
    properties = body["tools"][0]["function"]["parameters"]["properties"]
    assert properties["kind"]["enum"] == ["bill", "other", None]
    asked = body["messages"][-1]["content"]
    assert asked.startswith("<document>\nthe page\n</document>")
    assert "\n- bill: to pay" in asked
    plain = json.loads(KIND.request("the page", Pages(), KIND.tool(Pages(), None), TARGET))
    assert "kind" not in plain["tools"][0]["function"]["parameters"]["properties"]


@pytest.mark.slow
def test_code_finds_more_boundaries_than_the_answers_alone():
    alone, plain, labelled = measured(20).values()
    assert alone.f1 < 0.75 < 0.95 < plain.f1 < labelled.f1


@pytest.mark.slow
def test_most_documents_of_hard_bundles_that_are_cut_wrongly_are_in_doubt():
    _, plain, labelled = measured(100, HARD).values()
    for score in (plain, labelled):
        assert score.documents[False, True] > 9 * score.documents[False, False]
