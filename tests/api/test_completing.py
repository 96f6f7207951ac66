"""`docmill.complete`: any request of the protocol, as one task run of a flow of one's own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext

import docmill
from docmill.tasks.chat.session import current
from tests.support.own_flow import in_flow
from tests.support.provider import Provider
from tests.support.shapes import altered, rate_limited, saying

pytestmark = pytest.mark.usefixtures("prefect_api", "cache", "environment")

USER = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOLS = [
    {"type": "function", "function": {"name": "record", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "wait", "parameters": {"type": "object"}}},
]


@pytest.fixture
def environment(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment name the provider."""
    monkeypatch.setenv("DOCMILL_BASE_URL", provider.url)
    monkeypatch.setenv("DOCMILL_MODEL", "m")


async def complete(**request: Any) -> docmill.Completion:
    return await in_flow(lambda: docmill.complete(messages=USER, **request))


async def test_the_request_is_sent_as_it_was_given(provider: Provider):
    await complete(temperature=0.5, stop=["x"], user="me", seed=7, max_tokens=None)
    [request] = provider.requests
    given = {"model": "m", "messages": USER, "temperature": 0.5, "stop": ["x"], "user": "me", "seed": 7}
    assert request.parsed == given


async def test_a_second_flow_run_pays_nothing(provider: Provider):
    assert await complete() == await complete()
    assert len(provider.requests) == 1


async def test_identical_requests_at_the_same_moment_are_sent_once(provider: Provider):
    async def three() -> list[docmill.Completion]:
        return list(await asyncio.gather(*[docmill.complete(messages=USER) for _ in range(3)]))

    assert len(set(map(str, await in_flow(three)))) == 1
    assert len(provider.requests) == 1


async def test_a_rate_limit_is_waited_out(provider: Provider):
    provider.script(*[rate_limited("1")] * 3)
    assert (await complete()).text
    assert len(provider.requests) == 4


async def test_a_stream_is_given_when_it_is_whole(provider: Provider):
    assert (await complete(stream=True)).finish_reason == "stop"
    assert provider.requests[0].parsed["stream"] is True


@pytest.mark.slow
async def test_all_choices_of_n_are_given_and_kept(provider: Provider):
    def twice(reply: dict[str, Any]) -> None:
        second = {**reply["choices"][0], "index": 1, "message": {"content": "another"}}
        reply["choices"].append(second)

    provider.always(altered(twice))
    first, second = (await complete(n=2)).choices
    assert (second.text, first.text == "another") == ("another", False)
    assert (await complete(n=2)).choices == (first, second)
    assert len(provider.requests) == 1


async def test_calls_of_tools_that_the_model_chose_are_text(provider: Provider):
    provider.always(saying('{"n": 1}'))
    completion = await complete(tools=TOOLS)
    assert [(call.name, call.arguments) for call in completion.calls] == [("record", '{"n": 1}')]


async def test_a_forced_tools_arguments_are_the_text(provider: Provider):
    provider.always(saying('{"n": 1}'))
    choice = {"type": "function", "function": {"name": "record"}}
    assert (await complete(tools=TOOLS, tool_choice=choice)).text == '{"n": 1}'


async def test_arguments_that_do_not_satisfy_their_tool_are_repaired(provider: Provider):
    provider.script(saying('{"n": "one"}'), saying('{"n": 1}'))
    assert (await complete(tools=TOOLS)).calls[0].arguments == '{"n": 1}'
    repair = provider.requests[1].parsed["messages"]
    assert "arguments of record: n: must be integer" in repair[-1]["content"]


async def test_what_cannot_be_repaired_is_an_invalid_reply(provider: Provider):
    provider.always(saying('{"n": "one"}'))
    with pytest.raises(docmill.InvalidReply):
        await complete(tools=TOOLS)
    assert len(provider.requests) == 3


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": "other"}, r"docmill\.session\(model="),
        ({"temperature": 3}, "temperature"),
        ({"temperature": float("nan")}, "cannot be sent as JSON"),
        ({"metadata": {1, 2}}, "cannot be sent as JSON"),
        ({"tools": []}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "t", "parameters": {"type": "x"}}}]}, "schema"),
        ({"tool_choice": "required"}, "needs tools"),
    ],
)
async def test_a_wrong_request_is_not_sent(provider: Provider, wrong: dict[str, Any], said: str):
    with pytest.raises(docmill.ConfigError, match=said):
        await complete(**wrong)
    assert not provider.requests


@pytest.mark.slow
async def test_the_task_run_is_named_by_step_and_document():
    flow_run_ids: list[str] = []

    @flow
    async def named() -> None:
        context = FlowRunContext.get()
        assert context is not None
        assert context.flow_run is not None
        flow_run_ids.append(str(context.flow_run.id))
        await docmill.complete(messages=USER, step="greet", document="Ada")
        await docmill.summarize("a text")

    await named()
    query = {"flow_runs": {"id": {"any_": flow_run_ids}}}
    async with get_client() as client:
        for _ in range(200):
            runs = (await client.request("POST", "/task_runs/filter", json=query)).json()
            if len([run for run in runs if run["end_time"] and run["state"]]) == 2:
                break
            await asyncio.sleep(0.1)
    names = sorted(run["name"] for run in runs)
    assert names[0] == "greet Ada"
    assert names[1].startswith("summarize ")
    assert len(names[1]) == len("summarize ") + 8


async def test_a_cache_that_takes_nothing_is_an_error(
    cache: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    """Prefect only logs it, and the same call would be paid for again."""
    cache.mkdir()
    (cache / "chat").write_text("a file where the records' folder goes")
    with pytest.raises(docmill.StorageError, match="cannot be written"):
        await complete()


async def test_a_call_leaves_nothing_behind_in_its_session():
    left: list[Any] = []

    async def both() -> None:
        await docmill.complete(messages=USER)
        session = current(FlowRunContext.get())
        left.extend([session._tallies, session.keys])

    await in_flow(both)
    assert left == [{}, {}]


async def test_without_endpoint_and_session_the_variables_are_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DOCMILL_BASE_URL")
    with pytest.raises(docmill.ConfigError, match="DOCMILL_BASE_URL"):
        await complete()
