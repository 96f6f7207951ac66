"""Models in turn: the next is asked where an answer will not do, and the row says which one answered."""

import json
from typing import Any

import pytest

from tests.support.connection import Request
from tests.support.project import THING, Project
from tests.support.provider import Provider
from tests.support.shapes import SHAPES, Shape, rate_limited, saying

pytestmark = pytest.mark.usefixtures("prefect_api")

TEXT = "Ada Ltd sent 1130 things on 31. Januar 2024."
STEPS = "  - extract: {schema: thing}\n"
PARAMETERS: Any = THING["parameters"]
CHECKED: Any = {
    **THING,
    "parameters": {"type": "object", "properties": PARAMETERS["properties"], "required": ["name", "on"]},
}
GOOD = saying('{"name": "Ada Ltd", "count": 1130, "on": "2024-01-31"}')
INVENTED = saying('{"name": "Bob", "count": 1130, "on": "2024-01-31"}')
OTHERWISE = saying('{"name": "Ada Ltd", "count": 1130, "on": "2023-12-01"}')
WORSE = saying('{"name": "Eve", "count": 1130, "on": "2023-12-01"}')
NO_RECORD = saying("I cannot")
REFUSAL = SHAPES["refusal"]


def model_of(request: Request) -> str:
    return str(request.parsed["model"])


def answering(provider: Provider, **shapes: Shape) -> dict[str, Shape]:
    """Let each model give its own answer; what is changed in the answers holds from then on."""
    provider.rule(lambda request: shapes[model_of(request)])
    return shapes


def asked(provider: Provider) -> list[str]:
    return [model_of(request) for request in provider.requests]


def run(
    project: Project, provider: Provider, *options: str, steps: str = STEPS, model: str = "[cheap, strong]"
) -> int:
    project.documents(a=TEXT)
    project.schema("thing", CHECKED)
    return project.run("run", str(project.pipeline(provider.url, steps, model=model)), *options)


def outcome(project: Project) -> dict[str, Any]:
    [row] = project.rows("select status, record, model, steps, calls from docmill_outcomes")
    status, record, model, steps, calls = row
    return {
        "status": status,
        "name": json.loads(record)["name"] if record else None,
        "model": model,
        "of_step": {name: step["model"] for name, step in json.loads(steps).items()},
        "calls": calls,
    }


@pytest.mark.slow
def test_the_first_alone_is_asked_where_its_answer_leaves_no_doubt(project: Project, provider: Provider):
    answering(provider, cheap=GOOD)
    assert run(project, provider) == 0
    assert asked(provider) == ["cheap"]
    assert outcome(project) == {
        "status": "done",
        "name": "Ada Ltd",
        "model": "cheap",
        "of_step": {"extract": "cheap"},
        "calls": 1,
    }
    assert project.rows("select model from docmill_runs") == [("cheap, strong",)]


@pytest.mark.parametrize(
    ("answer", "times"), [(INVENTED, 1), (NO_RECORD, 3), (REFUSAL, 1)], ids=["invented", "invalid", "refused"]
)
def test_the_next_is_asked_where_an_answer_will_not_do(
    project: Project, provider: Provider, answer: Shape, times: int
):
    answering(provider, cheap=answer, strong=GOOD)
    assert run(project, provider) == 0
    assert asked(provider) == ["cheap"] * times + ["strong"]
    found = outcome(project)
    assert (found["status"], found["name"], found["model"]) == ("done", "Ada Ltd", "strong")
    assert found["calls"] == times + 1


@pytest.mark.slow
def test_a_rerun_pays_neither(project: Project, provider: Provider):
    answering(provider, cheap=INVENTED, strong=GOOD)
    assert run(project, provider) == run(project, provider, "--refresh") == 0
    assert len(provider.requests) == 4
    assert run(project, provider, "--into", "sqlite:///other.db") == 0
    assert len(provider.requests) == 4


@pytest.mark.slow
def test_where_none_will_do_the_better_record_is_in_review(project: Project, provider: Provider):
    answering(provider, cheap=INVENTED, strong=WORSE)
    assert run(project, provider) == 0
    found = outcome(project)
    assert (found["status"], found["name"], found["model"]) == ("review", "Bob", "cheap")


@pytest.mark.slow
def test_of_two_that_are_equally_doubtful_the_later_is_kept(project: Project, provider: Provider):
    answering(
        provider, cheap=INVENTED, strong=saying('{"name": "Ada Ltd", "count": 1130, "on": "2023-12-01"}')
    )
    assert run(project, provider) == 0
    assert (outcome(project)["status"], outcome(project)["model"]) == ("review", "strong")


@pytest.mark.slow
def test_a_record_in_doubt_weighs_more_than_a_later_failure(project: Project, provider: Provider):
    answering(provider, cheap=INVENTED, strong=REFUSAL)
    assert run(project, provider) == 0
    assert (outcome(project)["status"], outcome(project)["model"]) == ("review", "cheap")


@pytest.mark.slow
def test_a_model_that_cannot_be_reached_is_asked_by_the_next_run(project: Project, provider: Provider):
    answers = answering(provider, cheap=INVENTED, strong=SHAPES["unavailable"])
    assert run(project, provider) == 1
    assert outcome(project)["status"] == "deferred"
    begun = len(provider.requests)
    answers["strong"] = GOOD
    assert run(project, provider) == 0
    assert asked(provider)[begun:] == ["strong"]


def test_a_lane_that_has_closed_moves_on_to_the_next(project: Project, provider: Provider):
    answering(provider, cheap=rate_limited("300"), strong=GOOD)
    assert run(project, provider) == 0
    assert asked(provider) == ["cheap", "strong"]
    assert outcome(project)["status"] == "done"


def test_a_step_may_have_models_of_its_own(project: Project, provider: Provider):
    answering(provider, m=saying("A summary."), cheap=INVENTED, strong=GOOD)
    steps = "  - summarize:\n  - extract: {schema: thing, needs: [], model: [cheap, strong]}\n"
    assert run(project, provider, steps=steps, model="m") == 0
    assert sorted(asked(provider)) == ["cheap", "m", "strong"]
    assert outcome(project)["of_step"] == {"summarize": "m", "extract": "strong"}


@pytest.mark.slow
def test_an_option_takes_the_place_of_all_of_them(project: Project, provider: Provider):
    answering(provider, other=INVENTED)
    assert run(project, provider, "--model", "other", steps="  - extract: {schema: thing, model: own}\n") == 0
    assert asked(provider) == ["other"]


@pytest.mark.slow
def test_it_is_priced_by_the_model_that_was_asked(project: Project, provider: Provider):
    answering(provider, **{"gpt-4o-mini": INVENTED, "gpt-4o": GOOD})
    assert run(project, provider, model="[gpt-4o-mini, gpt-4o]") == 0
    [(both,)] = project.rows("select cost_usd from docmill_outcomes")
    assert run(project, provider, "--into", "sqlite:///one.db", "--refresh", model="gpt-4o-mini") == 0
    [(cheap,)] = project.rows("select cost_usd from docmill_outcomes", "one.db")
    assert both > 10 * cheap > 0


@pytest.mark.slow
def test_another_list_takes_the_document_up_again_and_pays_for_the_new_one_alone(
    project: Project, provider: Provider
):
    answering(provider, cheap=INVENTED, strong=GOOD)
    assert run(project, provider, model="cheap") == 0
    assert outcome(project)["status"] == "review"
    assert run(project, provider) == 0
    assert asked(provider) == ["cheap", "strong"]


def test_a_model_twice_is_told_with_its_place(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    assert run(project, provider, model="[m, m]") == 2
    assert "p.yaml:4:1: model: names a model twice" in capsys.readouterr().err


def test_show_has_the_requests_to_both(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    answering(provider, cheap=INVENTED, strong=GOOD)
    assert run(project, provider) == 0
    capsys.readouterr()
    assert project.run("show", "p.yaml", "--json") == 0
    [step] = json.loads(capsys.readouterr().out)["steps"]
    assert [each["request"].encode() for each in step["requests"]] == provider.bodies()
