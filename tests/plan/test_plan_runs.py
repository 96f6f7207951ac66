"""The calls of a run are within its plan's bounds, and exact where every step's input is known."""

import json
from typing import Any

import pytest

from tests.support.connection import Reply, Request
from tests.support.counting import priced, said
from tests.support.project import THING, Project
from tests.support.provider import Provider
from tests.support.shapes import SHAPES, Answer, Shape, answered, saying
from tests.support.shapes import written as replied

pytestmark = pytest.mark.usefixtures("prefect_api")

FREE = """\
  - summarize: {max_words: 20}
  - classify: {labels: {a: the first, b: the second}}
"""
BY_LABEL = FREE + "  - extract: {by: classify, schemas: {a: thing}}\n"
DOCUMENTS = 12


def documents(project: Project, count: int = DOCUMENTS, text: str = "It rained") -> None:
    project.documents(
        **{f"d{number}": f"{text} on day {number}. " + "Then not. " * 9 for number in range(count)}
    )


def long(shape: Shape) -> Answer:
    """Answer so, with a quarter of max_tokens: the stand-in's own words are fewer than a model's."""

    def answer(request: Request) -> Reply:
        reply = said(answered(shape, request))
        reply["usage"]["completion_tokens"] = request.parsed["max_tokens"] // 4
        return replied(reply)

    return answer


@pytest.fixture(autouse=True)
def _long(provider: Provider) -> None:
    provider.always(long("ok"))


def day(request: Request) -> int:
    return int(request.text.partition("on day ")[2].partition(".")[0] or 0)


def labelling(provider: Provider, every: int = 2) -> None:
    """Label one document of so many a, the others b."""

    def answer(request: Request) -> Shape | None:
        if "Which category" not in request.text:
            return None
        return long(saying(json.dumps({"category": "b" if day(request) % every else "a"})))

    provider.rule(answer)


def refusing(provider: Provider, every: int = 1) -> None:
    """Have the model `cheap` refuse one document of so many."""

    def answer(request: Request) -> Shape | None:
        refuses = request.parsed["model"] == "cheap" and day(request) % every == 0
        return long("refusal") if refuses else None

    provider.rule(answer)


def written(project: Project, provider: Provider, steps: str = BY_LABEL, **keys: str) -> str:
    return str(project.pipeline(priced(provider), steps, **keys))


def plan(
    project: Project, pipeline: str, capsys: pytest.CaptureFixture[str], *options: str
) -> dict[str, Any]:
    capsys.readouterr()
    assert project.run("plan", pipeline, "--json", *options) == 0
    planned: dict[str, Any] = json.loads(capsys.readouterr().out)
    return planned


def bounds(number: Any) -> tuple[float, float]:
    low, high = number if isinstance(number, list) else (number, number)
    return low, high


def spread(planned: dict[str, Any], name: str) -> float:
    low, high = bounds(planned[name])
    return high / low


def within(number: float, planned: Any) -> bool:
    low, high = bounds(planned)
    return low <= number <= high


def held(project: Project, provider: Provider, pipeline: str, planned: dict[str, Any], *options: str) -> None:
    """Run, and hold what the provider counted and the books say against the plan."""
    before = len(provider.requests)
    assert project.run("run", pipeline, *options) == 0
    sent = len(provider.requests) - before
    names = ("documents_in", "calls", "cached_calls", "prompt_tokens", "completion_tokens", "cost_usd")
    [row] = project.rows(f"select {', '.join(names)} from docmill_runs order by started_at desc limit 1")
    ended = dict(zip(names, row, strict=True))
    assert ended["documents_in"] == planned["documents"]
    assert ended["calls"] == sent
    for name in ("calls", "cached_calls"):
        assert within(ended[name], planned[name]), (name, ended[name], planned[name])
    for name in names[3:]:
        assert within(ended[name], planned[name]), (name, ended[name], planned[name])


def test_a_first_run_and_a_rerun(project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]):
    documents(project)
    labelling(provider)
    pipeline = written(project, provider)
    planned = plan(project, pipeline, capsys)
    assert not provider.requests
    assert (planned["new"], planned["calls"]) == (DOCUMENTS, [2 * DOCUMENTS, 3 * DOCUMENTS])
    held(project, provider, pipeline, planned)
    again = plan(project, pipeline, capsys)
    assert (again["unchanged"], again["calls"], again["cost_usd"], again["steps"]) == (DOCUMENTS, 0, 0, [])
    held(project, provider, pipeline, again)


@pytest.mark.slow
def test_steps_whose_input_is_known_are_exact(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project)
    pipeline = written(project, provider, FREE)
    planned = plan(project, pipeline, capsys)
    assert planned["calls"] == 2 * DOCUMENTS
    held(project, provider, pipeline, planned)


@pytest.mark.slow
def test_an_edit_of_the_last_step(project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]):
    documents(project)
    labelling(provider)
    assert project.run("run", written(project, provider)) == 0
    edited = written(
        project, provider, BY_LABEL.replace("{a: thing}", "{a: thing}, instructions: Net of VAT")
    )
    planned = plan(project, edited, capsys)
    assert (planned["changed"], planned["why"]) == (DOCUMENTS, {"`extract` was edited": DOCUMENTS})
    assert (planned["calls"], planned["cached_calls"]) == (DOCUMENTS // 2, 2 * DOCUMENTS)
    held(project, provider, edited, planned)


def test_an_edit_of_the_step_that_the_others_depend_on(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project)
    labelling(provider)
    assert project.run("run", written(project, provider)) == 0
    edited = written(project, provider, BY_LABEL.replace("the first", "the very first"))
    planned = plan(project, edited, capsys)
    assert planned["why"] == {"`classify` was edited": DOCUMENTS}
    half = DOCUMENTS // 2  # whose record was never asked for, as their label has no schema
    assert (planned["calls"], planned["cached_calls"]) == (
        [DOCUMENTS, DOCUMENTS + half],
        [DOCUMENTS, DOCUMENTS + half],
    )
    held(project, provider, edited, planned)


def test_some_changed_documents(project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]):
    documents(project)
    labelling(provider)
    pipeline = written(project, provider)
    assert project.run("run", pipeline) == 0
    project.documents(d3="It snowed on day 3.", new="It rained on day 14.")
    planned = plan(project, pipeline, capsys)
    counts = {name: planned[name] for name in ("new", "changed", "unchanged")}
    assert counts == {"new": 1, "changed": 1, "unchanged": DOCUMENTS - 1}
    assert planned["why"] == {"the content has changed": 1, "new": 1}
    assert planned["calls"] == [4, 6]
    held(project, provider, pipeline, planned)


@pytest.mark.slow
def test_another_model(project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]):
    documents(project)
    assert project.run("run", written(project, provider, FREE)) == 0
    other = written(project, provider, FREE, model="other")
    planned = plan(project, other, capsys)
    assert planned["why"] == {"`summarize` has another model": DOCUMENTS}
    assert planned["calls"] == 2 * DOCUMENTS
    held(project, provider, other, planned)


@pytest.mark.slow
def test_another_schema_is_told_from_another_prompt(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 1)
    pipeline = written(project, provider, "  - extract: {schema: thing}\n")
    assert project.run("run", pipeline) == 0
    project.schema("thing", {**THING, "description": "Extract the whole thing."})
    assert plan(project, pipeline, capsys)["why"] == {"the schema of `extract` was edited": 1}


@pytest.mark.slow
def test_a_label_that_is_renamed_is_told(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 1)
    labelling(provider, every=1)
    pipeline = written(project, provider, "  - classify: {labels: {a: the first, b: the second}}\n")
    assert project.run("run", pipeline) == 0
    renamed = written(project, provider, "  - classify: {labels: {a: the first, c: the second}}\n")
    assert plan(project, renamed, capsys)["why"] == {"the labels of `classify` were edited": 1}


@pytest.mark.slow
def test_what_is_asked_anew_is_not_in_the_cache(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 3)
    pipeline = written(project, provider, FREE)
    assert project.run("run", pipeline) == 0
    planned = plan(project, pipeline, capsys, "--refresh")
    assert (planned["calls"], planned["cached_calls"]) == (6, 0)


@pytest.mark.slow
def test_identical_documents_share_a_call(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    project.documents(a="The same.", b="The same.", c="Another.")
    pipeline = written(project, provider, FREE)
    planned = plan(project, pipeline, capsys)
    assert (planned["calls"], planned["cached_calls"]) == (4, 2)
    held(project, provider, pipeline, planned)


@pytest.mark.slow
def test_a_limit_is_planned_as_the_run_takes_it(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project)
    pipeline = written(project, provider, FREE)
    assert project.run("run", pipeline, "--limit", "3") == 0
    planned = plan(project, pipeline, capsys, "--limit", "2")
    assert (planned["new"], planned["unchanged"], planned["calls"]) == (2, 3, 4)
    held(project, provider, pipeline, planned, "--limit", "2")


@pytest.mark.slow
def test_models_in_turn_are_planned_by_the_shares_that_came_to_each(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project)
    refusing(provider, every=4)
    steps = "  - summarize: {max_words: 20}\n"
    pipeline = written(project, provider, steps, model="[cheap, strong]")
    planned = plan(project, pipeline, capsys)
    assert (planned["calls"], planned["likely"]["calls"]) == ([DOCUMENTS, 2 * DOCUMENTS], 1.5 * DOCUMENTS)
    held(project, provider, pipeline, planned)
    documents(project, DOCUMENTS + 8)
    again = plan(project, pipeline, capsys)
    assert (again["calls"], again["likely"]["calls"]) == ([8, 16], 8 * 1.25)
    held(project, provider, pipeline, again)


@pytest.mark.slow
def test_labels_are_likely_by_the_shares_of_those_that_are_stored(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project)
    labelling(provider, every=4)
    pipeline = written(project, provider)
    assert plan(project, pipeline, capsys)["likely"]["calls"] == 2.5 * DOCUMENTS
    assert project.run("run", pipeline) == 0
    documents(project, DOCUMENTS + 8)
    planned = plan(project, pipeline, capsys)
    assert (planned["calls"], planned["likely"]["calls"]) == ([16, 24], 16 + 8 / 4)
    held(project, provider, pipeline, planned)


@pytest.mark.slow
def test_what_runs_have_shown_narrows_the_tokens(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project)
    pipeline = written(project, provider, FREE)
    assert spread(plan(project, pipeline, capsys), "completion_tokens") > 9
    assert project.run("run", pipeline) == 0
    documents(project, DOCUMENTS + 8)
    planned = plan(project, pipeline, capsys)
    assert spread(planned, "completion_tokens") < 1.6
    assert spread(planned, "prompt_tokens") < 1.2
    assert spread(planned, "cost_usd") < 1.6
    held(project, provider, pipeline, planned)


def test_what_cannot_be_read_is_counted_and_costs_nothing(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    project.documents(a="Good.", b="")
    planned = plan(project, written(project, provider, FREE), capsys)
    assert (planned["unreadable"], planned["new"], planned["calls"]) == (1, 1, 2)


def test_the_table_says_the_whole_in_its_last_line(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 3)
    pipeline = written(project, provider, FREE, budget="{run_usd: 4}")
    assert project.run("plan", pipeline) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "3 documents: 3 new"
    assert lines[-1].startswith("3 documents to run, 6 calls to pay, 0 from the cache, $")
    assert "(the budget of $4.00 may not hold it)" in lines[-1]
    assert not provider.requests


@pytest.mark.slow
def test_a_run_by_hand_that_may_cost_too_much_asks_first(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 2)
    pipeline = written(project, provider, FREE, confirm_above_usd="1")
    assert project.run("run", pipeline) == 2
    assert "confirm_above_usd: it may cost more than $1.00: say --yes to go on" in capsys.readouterr().err
    assert not provider.requests
    assert project.run("run", pipeline, "--yes") == 0
    assert project.run("run", pipeline) == 0  # there is nothing to pay


def test_a_limit_a_minute_says_how_long_it_takes(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project)
    pipeline = written(project, provider, FREE, limits="{concurrency: 8, requests_per_minute: 2}")
    assert plan(project, pipeline, capsys)["minutes"] == DOCUMENTS


@pytest.mark.slow
def test_what_is_in_quarantine_is_planned_as_such(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 2)
    provider.rule(lambda request: SHAPES["refusal"] if "day 0" in request.text else None)
    pipeline = written(project, provider, "  - summarize: {max_words: 20}\n")
    for number in range(3):
        project.documents(**{f"new{number}": f"It snowed on day {number + 7}."})
        assert project.run("run", pipeline) == 1
    planned = plan(project, pipeline, capsys)
    assert (planned["quarantined"], planned["unchanged"], planned["calls"]) == (1, 4, 0)


def test_reasons_add_up_to_the_documents_that_are_run(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    project.documents(a="Good.", b="", c="Better.")
    planned = plan(project, written(project, provider, FREE), capsys)
    assert planned["why"] == {"new": 2}
    assert planned["new"] + planned["unreadable"] == planned["documents"] == 3


@pytest.mark.slow
def test_an_edited_step_is_not_judged_by_its_earlier_replies(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project)
    steps = "  - summarize: {max_words: 20}\n"
    assert project.run("run", written(project, provider, steps)) == 0
    edited = plan(project, written(project, provider, steps.replace("20", "400")), capsys)
    assert edited["completion_tokens"][1] == DOCUMENTS * (3 * 400 + 64)


@pytest.mark.slow
def test_a_step_that_reads_another_is_counted_for_each_of_its_models(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 3)
    refusing(provider)
    steps = (
        "  - summarize: {max_words: 20}\n"
        "  - classify: {input: summarize, model: [cheap, strong], labels: {a: x, b: y}}\n"
    )
    pipeline = written(project, provider, steps)
    planned = plan(project, pipeline, capsys)
    assert planned["calls"] == [3, 9]
    held(project, provider, pipeline, planned)


@pytest.mark.slow
def test_identical_documents_behind_a_label_stay_within_the_plan(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    project.documents(a="on day 2.", b="on day 2.", c="on day 2.")
    labelling(provider)
    pipeline = written(project, provider)
    planned = plan(project, pipeline, capsys)
    held(project, provider, pipeline, planned)


@pytest.mark.parametrize("into", ["sqlite:///nowhere/results.db", "postgresql://u@127.0.0.1:9/db"])
def test_a_database_that_does_not_answer_is_no_empty_one(
    project: Project, provider: Provider, into: str, capsys: pytest.CaptureFixture[str]
):
    documents(project, 1)
    assert project.run("plan", written(project, provider, FREE), "--into", into) == 2


def test_an_empty_source_is_a_wrong_configuration(project: Project, provider: Provider):
    assert project.run("plan", written(project, provider, FREE)) == 2


def test_a_step_whose_parts_have_no_room_ends_its_document_and_not_the_plan(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    documents(project, 3)
    project.schema("thing", THING)
    read = "  - extract: {schema: thing, input: summarize, long: parts, max_tokens: 3900}\n"
    endpoint = priced(provider).replace("{base", "{context_tokens: 4000, base")
    file = str(project.pipeline(endpoint, f"{FREE}{read}  - ask: {{prompt: Who pays?}}\n"))
    planned = plan(project, file, capsys)
    assert (planned["documents"], planned["calls"]) == (3, 6)
    assert project.run("run", file) == 1
    assert len(provider.requests) == 6
