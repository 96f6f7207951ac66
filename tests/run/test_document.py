"""A document's way through the declared steps: order, labels, inputs, what fails, and the edges of it."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from prefect.client.orchestration import get_client

from tests.support.connection import Request
from tests.support.project import THING, Project
from tests.support.provider import Provider
from tests.support.shapes import Shape, saying

pytestmark = pytest.mark.usefixtures("prefect_api")

CLASSIFY = "  - classify: {labels: {a: the first, b: the second}}\n"


def kind(request: Request) -> str:
    """Name the kind of step that a request is of."""
    tools = request.parsed.get("tools") or [{"function": {"name": "summarize"}}]
    name: str = tools[0]["function"]["name"]
    return name if name in ("summarize", "classify") else "extract"


def document(request: Request) -> str:
    """Give the text that a request is about."""
    return request.text.rpartition("<document>\n")[2].partition("\n</document>")[0]


def to(which: str, shape: Shape) -> Callable[[Request], Shape | None]:
    """Answer a kind of step so."""
    return lambda request: shape if kind(request) == which else None


def label(name: str) -> Shape:
    return saying(json.dumps({"category": name}))


def run(project: Project, provider: Provider, steps: str, **keys: str) -> int:
    return project.run("run", str(project.pipeline(keys.pop("endpoint", provider.url), steps, **keys)))


def outcome(project: Project) -> dict[str, Any]:
    """Give the one outcome's columns, and `steps` as their statuses."""
    columns = ("status", "summary", "label", "record", "truncated", "error", "steps")
    [row] = project.rows(f"select {', '.join(columns)} from docmill_outcomes")
    found = dict(zip(columns, row, strict=True))
    return found | {"steps": {name: step["status"] for name, step in json.loads(found["steps"]).items()}}


@pytest.mark.slow
def test_each_step_comes_after_the_one_above(project: Project, provider: Provider):
    project.documents(a="text")
    steps = CLASSIFY + "  - extract: {schema: thing}\n  - summarize:\n"
    assert run(project, provider, steps) == 0
    assert [kind(request) for request in provider.requests] == ["classify", "extract", "summarize"]
    assert provider.most_in_flight == 1


def test_free_steps_run_at_the_same_time(project: Project, provider: Provider):
    project.documents(a="text")
    provider.hold(3)
    steps = (
        "  - summarize:\n"
        "  - classify: {needs: [], labels: {a: , b: }}\n"
        "  - extract: {needs: [], schema: thing}\n"
    )
    assert run(project, provider, steps) == 0
    assert provider.most_in_flight == 3


def test_a_step_may_need_one_that_is_written_below(project: Project, provider: Provider):
    project.documents(a="text")
    steps = "  - summarize: {needs: [classify]}\n  - classify: {needs: [], labels: {a: , b: }}\n"
    assert run(project, provider, steps) == 0
    assert [kind(request) for request in provider.requests] == ["classify", "summarize"]


@pytest.mark.slow
def test_when_skips_a_step_that_another_label_wants(project: Project, provider: Provider):
    project.documents(a="text")
    provider.rule(to("classify", label("b")))
    steps = (
        CLASSIFY + "  - summarize: {id: one, when: {classify: a}}\n"
        "  - summarize: {id: either, when: {classify: [a, b]}}\n"
        "  - summarize: {id: last, input: one}\n"
    )
    assert run(project, provider, steps) == 0
    assert outcome(project)["steps"] == {
        "classify": "done",
        "one": "skipped",
        "either": "done",
        "last": "skipped",
    }
    assert [kind(request) for request in provider.requests] == ["classify", "summarize"]


def test_the_label_chooses_the_schema_and_none_skips_the_step(project: Project, provider: Provider):
    project.schema("other", THING | {"name": "other"})
    project.documents(a="a", b="b", c="c")
    provider.rule(lambda request: label(document(request)) if kind(request) == "classify" else None)
    steps = (
        "  - classify: {labels: {a: the first, b: the second, c: the third}}\n"
        "  - extract: {by: classify, schemas: {a: thing, b: other}}\n"
        "  - summarize:\n"
    )
    assert run(project, provider, steps) == 0
    assert project.rows(
        "select document_id, label, json_extract(steps, '$.extract.status') from docmill_outcomes order by 1"
    ) == [
        ("in/a.txt", "a", "done"),
        ("in/b.txt", "b", "done"),
        ("in/c.txt", "c", "skipped"),
    ]
    assert project.rows("select document_id, name from p__thing") == [("in/a.txt", "Example")]
    assert project.rows("select document_id, name from p__other") == [("in/b.txt", "Example")]
    assert [kind(request) for request in provider.requests].count("summarize") == 3


def test_another_steps_output_is_what_is_read(project: Project, provider: Provider):
    project.documents(a="the whole text")
    provider.rule(to("summarize", saying("a short text")))
    steps = (
        "  - summarize:\n"
        "  - extract: {input: summarize, schema: thing}\n"
        "  - classify: {input: extract, labels: {a: , b: }}\n"
    )
    assert run(project, provider, steps) == 0
    [_, extract, classify] = provider.requests
    assert document(extract) == "a short text"
    assert json.loads(document(classify)) == json.loads(outcome(project)["record"])
    assert "the whole text" not in extract.text + classify.text


def test_a_failure_skips_what_comes_after_and_leaves_what_is_free(project: Project, provider: Provider):
    project.documents(a="text")
    provider.rule(to("summarize", "bad_request"))
    steps = "  - summarize:\n" + CLASSIFY + "  - extract: {needs: [], schema: thing}\n"
    assert run(project, provider, steps) == 1
    found = outcome(project)
    assert found["steps"] == {"summarize": "failed", "classify": "skipped", "extract": "done"}
    assert (found["status"], found["label"]) == ("failed", None)
    assert found["error"].startswith("summarize: the server answered 400")
    assert project.rows("select * from p__thing") == []


@pytest.mark.parametrize(
    ("summarize", "classify", "extract", "status"),
    [
        ("bad_request", "disconnect", "schema_invalid", "failed"),
        ("disconnect", "schema_invalid", "refusal", "deferred"),
        ("refusal", "schema_invalid", "ok", "invalid"),
        ("refusal", "ok", "ok", "refused"),
        ("ok", "ok", "ok", "done"),
    ],
)
@pytest.mark.slow
def test_the_outcome_is_the_worst_of_its_steps(
    project: Project, provider: Provider, summarize: str, classify: str, extract: str, status: str
):
    project.documents(a="text")
    shapes = {"summarize": summarize, "classify": classify, "extract": extract}
    provider.rule(lambda request: shapes[kind(request)])
    steps = (
        "  - summarize:\n"
        "  - classify: {needs: [], labels: {a: , b: }}\n"
        "  - extract: {needs: [], schema: thing}\n"
    )
    assert run(project, provider, steps) == int(status != "done")
    assert outcome(project)["status"] == status


@pytest.mark.slow
def test_summary_and_label_are_those_of_the_last_step_of_their_kind(project: Project, provider: Provider):
    project.documents(a="text")
    provider.rule(lambda request: saying("first") if "100 words" in request.text else None)
    provider.rule(lambda request: saying("second") if "50 words" in request.text else None)
    provider.rule(lambda request: label("b") if "the second" in request.text else None)
    steps = (
        CLASSIFY + "  - summarize:\n  - summarize: {id: again, max_words: 50}\n"
        "  - classify: {id: sorted, labels: {x: , y: }}\n"
    )
    assert run(project, provider, steps) == 0
    found = outcome(project)
    assert (found["summary"], found["label"], found["record"]) == ("second", "x", None)


@pytest.mark.slow
def test_a_beginning_that_was_read_alone_is_marked(project: Project, provider: Provider):
    project.documents(a="ä" * 100)
    steps = "  - classify: {max_input_tokens: 5, labels: {a: , b: }}\n  - summarize:\n"
    assert run(project, provider, steps) == 0
    assert outcome(project)["truncated"] == 1
    [classify, summarize] = provider.requests
    assert document(classify) == "ä" * 7
    assert document(summarize) == "ä" * 100


def test_what_fits_is_not_marked(project: Project, provider: Provider):
    project.documents(a="12345 789 12345")
    assert run(project, provider, "  - summarize: {max_input_tokens: 5}\n") == 0
    assert outcome(project)["truncated"] == 0
    assert document(provider.requests[0]) == "12345 789 12345"


def test_what_exceeds_the_context_is_failed_before_any_call(project: Project, provider: Provider):
    project.documents(long="x" * 3000, short="x")
    endpoint = f"{{base_url: '{provider.url}', context_tokens: 1000}}"
    assert run(project, provider, "  - summarize: {max_tokens: 100}\n", endpoint=endpoint) == 1
    assert project.statuses() == {"in/long.txt": "failed", "in/short.txt": "done"}
    [(error,)] = project.rows("select error from docmill_outcomes where status = 'failed'")
    [short] = provider.requests
    needed = (sum(len(each["content"]) for each in short.parsed["messages"]) + 2999) // 3 + 100
    assert error.startswith(
        f"summarize: too long: about {needed:,} tokens with the reply, and the endpoint takes 1,000. "
    )


@pytest.mark.slow
def test_the_edges_in_prefect_are_the_declared_ones(project: Project, provider: Provider):
    """Of each document's steps among themselves, and never between two documents."""
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(25)})
    steps = (
        "  - summarize:\n"
        "  - classify: {needs: [], labels: {a: , b: }}\n"
        "  - extract: {by: classify, schemas: {a: thing}, input: summarize}\n"
        "  - summarize: {id: last, needs: [extract]}\n"
    )
    assert run(project, provider, steps) == 0
    [(flow_run_id,)] = project.rows("select flow_run_id from docmill_runs")
    runs = asyncio.run(task_runs(flow_run_id, 4 * 25))
    names = {each["id"]: each["name"] for each in runs}
    waits = {
        each["name"]: {names[edge["id"]] for edge in each["task_inputs"].get("wait_for", [])} for each in runs
    }
    declared = {"summarize": [], "classify": [], "extract": ["summarize", "classify"], "last": ["extract"]}
    assert waits == {
        f"{step} in/d{number:02}.txt": {f"{need} in/d{number:02}.txt" for need in needs}
        for number in range(25)
        for step, needs in declared.items()
    }


async def task_runs(flow_run_id: str, expected: int) -> list[dict[str, Any]]:
    """Read a flow run's task runs from the server, when all have come there."""
    query = {"flow_runs": {"id": {"any_": [flow_run_id]}}}
    async with get_client() as client:
        for _ in range(200):
            runs: list[dict[str, Any]] = (
                await client.request("POST", "/task_runs/filter", json=query)
            ).json()
            if len([each for each in runs if each["end_time"] and each["state"]]) == expected:
                return runs
            await asyncio.sleep(0.1)
    raise AssertionError(f"{len(runs)} task runs of {expected} were recorded")


# Text instead of tools


@pytest.mark.parametrize(
    "reply", ["%s", "```json\n%s\n```", "Here it is:\n```\n%s\n```\nBye.", "Sure! %s Bye."]
)
@pytest.mark.slow
def test_json_is_found_in_what_a_server_without_tools_says(project: Project, provider: Provider, reply: str):
    record = '{"name": "Ada", "on": "2024-01-31"}'
    provider.always(saying(reply % record))
    project.documents(a="text")
    endpoint = f'{{base_url: "{provider.url}", structured_output: text}}'
    assert run(project, provider, "  - extract: {schema: thing}\n", endpoint=endpoint) == 0
    assert json.loads(outcome(project)["record"]) == json.loads(record)
    assert project.rows('select name, "on" from p__thing') == [("Ada", "2024-01-31")]
    [request] = provider.requests
    assert not {"tools", "response_format"} & request.parsed.keys()


@pytest.mark.slow
@pytest.mark.parametrize("reply", ["none", '{"name": 5, "on": "2024-01-31"}', '{"name": "A"} {"name": "B"}'])
def test_what_is_found_is_checked_against_the_same_schema(project: Project, provider: Provider, reply: str):
    provider.always(saying(reply))
    project.documents(a="text")
    endpoint = f'{{base_url: "{provider.url}", structured_output: text}}'
    assert run(project, provider, "  - extract: {schema: thing}\n", endpoint=endpoint) == 1
    assert outcome(project)["status"] == "invalid"
    assert len(provider.requests) == 3


# Questions


def test_answers_stand_in_steps_and_those_with_a_schema_in_its_table(project: Project, provider: Provider):
    project.documents(a="text")
    steps = "  - ask: {prompt: Why?}\n  - ask: {id: more, prompt: What?, schema: thing, input: ask}\n"
    provider.rule(lambda request: saying("because") if "Why?" in request.text else None)
    assert run(project, provider, steps) == 0
    assert [document(request) for request in provider.requests] == ["text", "because"]
    [(steps_json, record, summary)] = project.rows("select steps, record, summary from docmill_outcomes")
    outputs = {name: step["output"] for name, step in json.loads(steps_json).items()}
    assert outputs == {"ask": "because", "more": {"name": "Example", "on": "2024-01-31", "count": 1}}
    assert (record, summary) == (None, None)
    assert project.rows('select name, "on", count from p__thing') == [("Example", "2024-01-31", 1)]
