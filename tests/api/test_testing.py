"""`docmill.testing.provider`: real HTTP on loopback, answered from a table."""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

import docmill
from docmill.testing import Request, TestEndpoint, provider
from tests.support.own_flow import in_flow

TOOL = {"type": "function", "function": {"name": "record", "parameters": {"type": "object"}}}
OTHER = {"type": "function", "function": {"name": "other", "parameters": {"type": "object"}}}
FORCED: dict[str, Any] = {"tool_choice": {"type": "function", "function": {"name": "record"}}}


def post(endpoint: TestEndpoint, text: str = "hello", path: str = "/chat/completions", **fields: Any) -> Any:
    """Send a request by the standard library; gives status and JSON, or the text of a stream."""
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **fields}
    request = urllib.request.Request(
        endpoint.base_url + path, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            status, content = response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            status, content = error.code, error.read().decode()
    return status, content if fields.get("stream") else json.loads(content)


def message(endpoint: TestEndpoint, text: str = "hello", **fields: Any) -> Any:
    status, reply = post(endpoint, text, **fields)
    assert status == 200
    return reply["choices"][0]["message"]


def test_the_first_text_that_the_request_holds_decides():
    with provider({"red": "1", "blue": "2", "": "3"}) as endpoint:
        assert message(endpoint, "blue and red")["content"] == "1"
        assert message(endpoint, "blue")["content"] == "2"
        assert message(endpoint, "green")["content"] == "3"


def test_a_request_that_no_text_stands_in_is_refused():
    with provider({"red": "1"}) as endpoint:
        status, reply = post(endpoint)
    assert status == 400
    assert "no text of the test's table" in reply["error"]["message"]


def test_requests_are_kept_in_their_order():
    with provider({"": "1"}) as endpoint:
        post(endpoint, "a")
        post(endpoint, [{"type": "text", "text": "b"}], temperature=0.5)  # type: ignore[arg-type]
    assert [request.text for request in endpoint.requests] == ["a", "b"]
    assert endpoint.requests[1].body["temperature"] == 0.5
    assert endpoint.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [429, 503])
def test_a_number_is_a_status(status: int):
    with provider({"": status}) as endpoint:
        assert post(endpoint)[0] == status


def test_a_function_answers_of_the_request():
    with provider({"": lambda request: request.body["model"].upper()}) as endpoint:
        assert message(endpoint)["content"] == "M"


def test_a_function_that_fails_is_a_500_and_is_raised_at_the_end():
    def fail(request: Request) -> str:
        raise LookupError(request.text)

    with pytest.raises(LookupError, match="hello"), provider({"": fail}) as endpoint:
        assert post(endpoint)[0] == 500


def test_a_dict_is_a_forced_tools_arguments_or_json():
    with provider({"": {"n": 1}}) as endpoint:
        [call] = message(endpoint, tools=[TOOL], **FORCED)["tool_calls"]
        assert call["function"] == {"name": "record", "arguments": '{"n": 1}'}
        assert message(endpoint)["content"] == '{"n": 1}'


def test_a_tool_is_chosen_by_its_name():
    with provider({"": {"name": "other", "arguments": {"n": 1}}}) as endpoint:
        [call] = message(endpoint, tools=[TOOL, OTHER])["tool_calls"]
    assert call["function"] == {"name": "other", "arguments": '{"n": 1}'}


def test_a_text_is_what_the_model_says_where_it_may_call_a_tool():
    with provider({"": "No."}) as endpoint:
        assert message(endpoint, tools=[TOOL])["content"] == "No."


def test_a_stream_comes_as_events():
    with provider({"": "1"}) as endpoint:
        _, content = post(endpoint, stream=True)
    events = [line.removeprefix("data: ") for line in content.split("\n\n") if line]
    assert events[-1] == "[DONE]"
    assert json.loads(events[0])["choices"][0]["delta"]["content"] == "1"


def test_another_path_is_not_found():
    with provider({"": "1"}) as endpoint:
        assert post(endpoint, path="/models")[0] == 404
    assert not endpoint.requests


def test_it_is_gone_after_its_block():
    with provider({"": "1"}) as endpoint:
        pass
    with pytest.raises(urllib.error.URLError):
        post(endpoint)


@pytest.mark.usefixtures("prefect_api", "cache")
@pytest.mark.parametrize("settings", [{}, {"structured_output": "json_schema"}, {"stream": True}])
async def test_one_entry_answers_every_step_of_a_document(settings: dict[str, Any]):
    async def steps() -> list[Any]:
        text = "Total due: 318.40 EUR"
        record = await docmill.extract(text, {"properties": {"total": {"type": "number"}}})
        return [
            await docmill.summarize(text),
            await docmill.classify(text, ["other", "invoice"]),
            record.value,
            (await docmill.complete(messages=[{"role": "user", "content": text}], n=2)).choices[1].text,
        ]

    table: dict[str, Any] = {"Total due": ["A bill.", "invoice", {"total": 318.4}]}
    with provider(table, **settings) as endpoint:
        async with docmill.session(endpoint, "m"):
            assert await in_flow(steps) == ["A bill.", "invoice", {"total": 318.4}, "A bill."]
        assert len(endpoint.requests) == 4


@pytest.mark.usefixtures("prefect_api", "cache")
async def test_many_requests_at_once_are_answered():
    async def many() -> list[str]:
        return list(await asyncio.gather(*[docmill.summarize(f"text {number}") for number in range(50)]))

    with provider({"": lambda request: request.text[-80:]}) as endpoint:
        async with docmill.session(endpoint, "m", limits={"concurrency": 32}):
            assert len(await in_flow(many)) == 50
        assert len(endpoint.requests) == 50
