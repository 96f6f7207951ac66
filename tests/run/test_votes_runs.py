"""Votes in a run: how they are asked for, what they cost, and what becomes of what they differ on."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.plan.test_plan_runs import plan, within
from tests.support.connection import Reply, Request
from tests.support.counting import priced
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import completion, saying, written

pytestmark = pytest.mark.usefixtures("prefect_api")

TEXT = "Ada Ltd sent 1130 things on 31. Januar 2024, not 1120."
STEPS = "  - extract: {schema: thing, votes: 3}\n"
CLASSIFY = "  - classify: {labels: {a: the first, b: the second}, votes: 3}\n"
MISCOUNTED = {"name": "Ada Ltd", "count": 1120, "on": "2024-01-31"}
RIGHT = {**MISCOUNTED, "count": 1130}


def voting(*records: Any) -> Any:
    """Answer vote by vote: choice by choice, or by the seed of each call."""
    answers = [json.dumps(each) for each in records]

    def answer(request: Request) -> Reply:
        if "n" not in request.parsed:
            return written(completion(request, answers[request.parsed.get("seed", 0)]))
        reply = completion(request)
        reply["choices"] = [completion(request, each)["choices"][0] for each in answers]
        return written(reply)

    return answer


def mapped(provider: Provider) -> str:
    return f"{{base_url: {provider.url}, choices: true}}"


def written_to(project: Project, endpoint: str, steps: str = STEPS) -> str:
    project.documents(a=TEXT)
    return str(project.pipeline(endpoint, steps))


def asked(provider: Provider) -> Sequence[tuple[Any, ...]]:
    return [tuple(map(each.parsed.get, ("n", "seed", "temperature"))) for each in provider.requests]


def outcome(project: Project) -> tuple[Any, ...]:
    [row] = project.rows("select status, record, calls, error from docmill_outcomes")
    return row[0], json.loads(row[1]), *row[2:]


def doubts(project: Project, step: str = "extract") -> Any:
    [(steps,)] = project.rows("select steps from docmill_outcomes")
    return [(each["path"], each["wrong"]) for each in json.loads(steps)[step]["doubts"] or ()]


def test_each_vote_is_a_call_where_the_server_gives_no_choices(project: Project, provider: Provider):
    provider.always(voting(RIGHT, RIGHT, RIGHT))
    assert project.run("run", written_to(project, provider.url)) == 0
    assert asked(provider) == [(None, None, 0), (None, 1, 0.7), (None, 2, 0.7)]
    assert outcome(project) == ("done", RIGHT, 3, None)


@pytest.mark.slow
def test_what_most_votes_give_field_by_field_need_be_none_of_them(project: Project, provider: Provider):
    provider.always(voting({**RIGHT, "name": "sent"}, MISCOUNTED, {**RIGHT, "on": "2024-02-01"}))
    assert project.run("run", written_to(project, provider.url)) == 0
    assert outcome(project)[1] == RIGHT


@pytest.mark.slow
def test_the_votes_are_choices_of_one_reply_where_the_server_gives_them(project: Project, provider: Provider):
    provider.always(voting(MISCOUNTED, RIGHT, RIGHT))
    assert project.run("run", written_to(project, mapped(provider))) == 0
    assert asked(provider) == [(3, None, 0.7)]
    assert outcome(project)[:3] == ("review", RIGHT, 1)


def test_choices_that_do_not_come_are_asked_for_by_calls(project: Project, provider: Provider):
    provider.always(saying(json.dumps(RIGHT)))
    assert project.run("run", written_to(project, mapped(provider))) == 0
    assert asked(provider) == [(3, None, 0.7), (None, 1, 0.7), (None, 2, 0.7)]
    assert outcome(project) == ("done", RIGHT, 3, None)


@pytest.mark.slow
def test_what_they_differ_on_is_in_review_with_the_value_of_most_until_it_is_accepted(
    project: Project, provider: Provider
):
    provider.always(voting(MISCOUNTED, RIGHT, RIGHT))
    pipeline = written_to(project, provider.url)
    assert project.run("run", pipeline) == 0
    assert outcome(project) == ("review", RIGHT, 3, "extract: the votes differ on count")
    assert doubts(project) == [("/count", "the votes differ: 2 for 1130, 1 for 1120")]
    assert project.run("review", pipeline, "--accept", "a.txt") == 0
    assert outcome(project)[0] == "done"
    assert project.run("run", pipeline, "--refresh") == 0
    assert outcome(project)[:2] == ("done", RIGHT)


@pytest.mark.slow
def test_a_label_that_they_differ_on_is_accepted_as_it_is(project: Project, provider: Provider):
    provider.always(voting({"category": "b"}, {"category": "a"}, {"category": "b"}))
    pipeline = written_to(project, provider.url, CLASSIFY)
    assert project.run("run", pipeline) == 0
    assert project.rows("select status, label, error from docmill_outcomes") == [
        ("review", "b", "classify: the votes differ on the label")
    ]
    assert doubts(project, "classify") == [("", 'the votes differ: 2 for "b", 1 for "a"')]
    assert project.run("review", pipeline, "--accept", "a.txt") == 0
    assert project.rows("select status, label, error from docmill_outcomes") == [("done", "b", None)]
    assert project.run("run", pipeline, "--refresh") == 0
    assert project.rows("select status, label, error from docmill_outcomes") == [("done", "b", None)]


@pytest.mark.slow
def test_a_label_that_they_differ_on_is_corrected_and_stays_so(project: Project, provider: Provider):
    provider.always(voting({"category": "b"}, {"category": "a"}, {"category": "b"}))
    pipeline = written_to(project, provider.url, CLASSIFY)
    assert project.run("run", pipeline) == 0
    assert project.run("review", pipeline, "--set", "a.txt", "classify:label=a") == 0
    assert project.run("run", pipeline, "--refresh") == 0
    assert project.rows("select status, label, error from docmill_outcomes") == [("done", "a", None)]


@pytest.mark.slow
def test_a_step_that_gains_votes_pays_for_the_others_alone(project: Project, provider: Provider):
    provider.always(voting(RIGHT, RIGHT, RIGHT))
    assert project.run("run", written_to(project, provider.url, "  - extract: {schema: thing}\n")) == 0
    assert project.run("run", written_to(project, provider.url)) == 0
    assert len(provider.requests) == 3


@pytest.mark.slow
def test_the_next_model_is_asked_where_the_votes_of_one_differ(project: Project, provider: Provider):
    torn, sure = voting(MISCOUNTED, RIGHT, RIGHT), voting(RIGHT, RIGHT, RIGHT)
    provider.rule(lambda request: torn if request.parsed["model"] == "cheap" else sure)
    project.documents(a=TEXT)
    assert project.run("run", str(project.pipeline(provider.url, STEPS, model="[cheap, strong]"))) == 0
    assert outcome(project) == ("done", RIGHT, 6, None)
    spent = project.rows("select model, calls, done from docmill__models order by model")
    assert spent == [("cheap", 3, 0), ("strong", 3, 1)]


@pytest.mark.parametrize(("choices", "calls"), [("false", 3), ("true", 1)], ids=["calls", "choices"])
def test_the_plan_counts_the_votes(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str], choices: str, calls: int
):
    provider.always(voting(RIGHT, RIGHT, RIGHT))
    endpoint = priced(provider).replace("}}", f"}}, choices: {choices}}}")
    pipeline = written_to(project, endpoint)
    planned = plan(project, pipeline, capsys)
    assert planned["calls"] == calls
    assert planned["completion_tokens"][1] == 3 * (256 + 3 * 32)  # all of max_tokens
    assert project.run("run", pipeline) == 0
    [(tokens, cost)] = project.rows("select prompt_tokens, cost_usd from docmill_runs")
    assert within(tokens, planned["prompt_tokens"])
    assert cost <= planned["cost_usd"][1]


def test_a_budget_reserves_the_tokens_of_all_choices(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    endpoint = priced(provider).replace("}}", "}, choices: true}")
    project.documents(a=TEXT)
    pipeline = project.pipeline(endpoint, STEPS, budget="{run_usd: 6}")  # one of 352 tokens costs $1.76
    assert project.run("run", str(pipeline)) == 2
    assert "is less than one call of extract with m may cost" in capsys.readouterr().err
    assert not provider.requests


def test_show_has_the_request_of_each_vote(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    provider.always(voting(RIGHT, RIGHT, RIGHT))
    pipeline = written_to(project, provider.url)
    assert project.run("run", pipeline) == 0
    capsys.readouterr()
    assert project.run("show", pipeline, "--json") == 0
    [step] = json.loads(capsys.readouterr().out)["steps"]
    assert [json.loads(each["request"]).get("seed") for each in step["requests"]] == [None, 1, 2]
    assert all(each["completion"] for each in step["requests"])
