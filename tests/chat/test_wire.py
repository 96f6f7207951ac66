"""Whatever a server writes to a connection is a completion or one of our errors, streamed or not."""

import asyncio
import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Endpoint
from docmill.schemas.errors import (
    ChatError,
    CutShort,
    Deferred,
    Fatal,
    MaybeBilled,
    RateLimited,
    Transient,
    Unserved,
)
from docmill.tasks.chat.envelope import reply_of
from docmill.tasks.chat.expected import Expected
from docmill.tasks.chat.reading import accepted
from docmill.tasks.chat.streaming import streamed
from docmill.tasks.chat.transport import Transport
from docmill.tasks.chat.usage import Allowed
from tests.support.asking import SCHEMA, ask, forced, free, target
from tests.support.connection import Reply
from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider, serving
from tests.support.shapes import Shape, answered, saying, written
from tests.support.streams import BAD, cut_off, event, stream
from tests.support.streams import GOOD as GOOD_STREAMS

FREE, CALL = Expected(None, None), Expected("record", json.dumps(SCHEMA))
KEYS = """id model choices index message delta role content text tool_calls type function name arguments
    finish_reason refusal usage prompt_tokens completion_tokens error code err_code"""
WORDS = ["stop", "length", "tool_calls", "content_filter", "record", '{"n": 1}', "assistant", "429", "[DONE]"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5)
    ),
    max_leaves=15,
)
GOOD: dict[str, Any] = {
    "choices": [
        {
            "message": {
                "content": "text",
                "tool_calls": [{"id": "c", "function": {"name": "record", "arguments": '{"n": 1}'}}],
            },
            "finish_reason": "stop",
        }
    ]
}


def _put(place: tuple[str | int, ...], value: Any) -> Any:
    """Copy GOOD with another value at one place."""
    changed = json.loads(json.dumps(GOOD))
    at = changed
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    return changed


MESSAGE = ("choices", 0, "message")
PLACES: list[tuple[str | int, ...]] = [
    *(
        ("id",),
        ("model",),
        ("usage",),
        ("choices",),
        ("choices", 0),
        ("choices", 0, "finish_reason"),
        MESSAGE,
    ),
    *((*MESSAGE, "content"), (*MESSAGE, "tool_calls"), (*MESSAGE, "refusal")),
    *((*MESSAGE, "tool_calls", 0), (*MESSAGE, "tool_calls", 0, "function")),
    (*MESSAGE, "tool_calls", 0, "function", "arguments"),
]
ODD = st.builds(_put, st.sampled_from(PLACES), JSON) | JSON
BODIES = (
    st.binary(max_size=200)
    | ODD.map(lambda value: json.dumps(value).encode())
    | st.lists(ODD, max_size=3).map(
        lambda events: b"".join(f"data: {json.dumps(each)}\n\n".encode() for each in events)
    )
)
NAMED = {
    "content-type": ["application/json", "text/event-stream", "text/html; charset=x", "", "\xff"],
    "content-encoding": ["gzip", "deflate", "identity", "br", "odd"],
    "content-length": ["0", "5", "-1", "x"],
    "transfer-encoding": ["chunked", "odd"],
    "retry-after": ["0", "1", "121", "nan", "soon"],
    "x-should-retry": ["true", "false", "odd"],
    "location": ["/", "http://127.0.0.1:1/"],
}
HEADERS = st.fixed_dictionaries({}, optional={name: st.sampled_from(said) for name, said in NAMED.items()})


def _written(status: int, headers: dict[str, str], body: bytes) -> Reply:
    lines = [f"HTTP/1.1 {status} Odd", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return Reply(0, ("\r\n".join(lines).encode("latin-1") + body,))


@pytest.fixture(scope="module")
def odd() -> Iterator[Provider]:
    """Give a provider that all examples share."""
    with serving() as provider:
        yield provider


async def _asked(url: str, stream: bool, expected: Expected) -> Completion:
    body = forced() if expected is CALL else free()
    async with Transport(Endpoint(base_url=url, timeout_s=5), 1) as transport:
        answer = await transport.post(streamed(body) if stream else body, stream=stream)
    return accepted(reply_of(answer), expected, Allowed(len(body), 1000, 10_000))


def _is_a_completion_or_an_error(provider: Provider, stream: bool, expected: Expected) -> None:
    try:
        completion = asyncio.run(_asked(provider.url, stream, expected))
    except ChatError:
        return
    assert expected is FREE or json.loads(completion.text).keys() == {"n"}
    assert Completion.model_validate_json(completion.model_dump_json()) == completion


@pytest.mark.parametrize("shape", ["stream", "stream_without_done", "stream_cr"])
async def test_the_connection_of_a_stream_is_kept(provider: Provider, shape: str):
    provider.always(GOOD_STREAMS[shape])
    async with Transport(Endpoint(base_url=provider.url), 1) as transport:
        for _ in range(5):
            await transport.post(streamed(free()), stream=True)
    assert len({request.client_port for request in provider.requests}) == 1


async def test_a_stream_whose_connection_stays_open_is_given_at_its_end(provider: Provider):
    provider.always(lambda request: stream([*answered(GOOD_STREAMS["stream"], request).parts, 30.0]))
    async with Transport(Endpoint(base_url=provider.url), 1) as transport:
        assert reply_of(await transport.post(streamed(free()), stream=True)).choices


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (cut_off(event({"error": {"message": "Overloaded"}})), MaybeBilled),
        (cut_off(event('{"error": {"message": "\\ud800"}} ')), MaybeBilled),
        (cut_off(event({"error": {"message": "Slow down", "code": 429}})), RateLimited),
        (cut_off(event({"error": {"message": "insufficient_quota"}})), Fatal),
        (BAD["stream_no_model"], Unserved),
        (lambda _: stream([event({"error": {"message": "Overloaded"}})]), Transient),
    ],
)
async def test_an_error_within_a_stream_may_have_been_billed_where_a_part_came(
    provider: Provider, shape: Shape, kind: type[ChatError]
):
    provider.always(shape)
    async with Transport(Endpoint(base_url=provider.url), 1) as transport:
        with pytest.raises(kind) as caught:
            reply_of(await transport.post(streamed(free()), stream=True))
    assert type(caught.value) is kind
    assert "begun" not in caught.value.body


@pytest.mark.parametrize("form", ["json", ["json"], {"json_schema": "s"}, {"json_schema": None}, 1, None])
def test_a_response_format_of_another_server_asks_for_free_text(form: Any):
    assert Expected.of({"response_format": form}, None) == FREE


@pytest.mark.usefixtures("prefect_api", "cache")
@pytest.mark.parametrize(("shape", "kind"), [("disconnect", Deferred), ("length", CutShort)])
async def test_a_request_may_leave_its_max_tokens_null(provider: Provider, shape: str, kind: type[ChatError]):
    provider.always(shape)
    asked = await ask(target(provider.url), free(max_tokens=None))
    assert [type(error) for error in await asked.errors()] == [kind]


@pytest.mark.usefixtures("prefect_api", "cache", "_key")
@pytest.mark.parametrize(
    ("code", "named"),
    [(401, "The key is the one in DOCMILL_API_KEY."), (404, "The model asked for is 'm', at ")],
)
async def test_a_refusal_within_a_good_answer_names_the_key_or_the_model(
    provider: Provider, code: int, named: str
):
    provider.always(lambda _: written({"error": {"code": code, "message": "no"}}))
    asked = await ask(target(provider.url, api_key_env="DOCMILL_API_KEY"), free())
    [failed] = await asked.errors()
    assert isinstance(failed, Fatal)
    assert named in failed.remedy


@pytest.fixture
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCMILL_API_KEY", "sk-none")


@pytest.mark.usefixtures("_key")
def test_a_call_that_is_nested_too_deep_is_printed_as_it_came(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    (project.root / "r.json").write_bytes(forced())
    provider.always(saying("[" * 100_000))
    assert project.run("chat", "r.json", "--endpoint", provider.url) == 0
    assert "[[[[" in capfd.readouterr().out


@pytest.mark.usefixtures("_key")
@pytest.mark.slow
def test_a_request_by_hand_that_is_interrupted_says_that_it_may_be_billed(
    project: Project, provider: Provider
):
    (project.root / "r.json").write_bytes(free())
    provider.always("stall")
    sent = project.begin("chat", "r.json", "--endpoint", provider.url)
    assert eventually(lambda: provider.requests)
    sent.send_signal(signal.SIGINT)
    assert "may have been billed" in sent.communicate(timeout=120)[0]
    assert sent.returncode == 3


@given(st.integers(100, 999), HEADERS, BODIES, st.booleans(), st.sampled_from([FREE, CALL]))
@settings(max_examples=150)
@example(200, {}, json.dumps(GOOD).encode(), False, CALL)
@example(200, {"content-type": "text/event-stream"}, b'data: {"choices": [{"index": true}]}\n\n', True, FREE)
def test_any_answer_is_a_completion_or_an_error_of_ours(
    odd: Provider, status: int, headers: dict[str, str], body: bytes, stream: bool, expected: Expected
):
    odd.always(_written(status, headers, body))
    _is_a_completion_or_an_error(odd, stream, expected)


@given(HEADERS, BODIES, st.booleans(), st.sampled_from([FREE, CALL]))
@settings(max_examples=150)
def test_any_good_answer_is_a_completion_or_an_error_of_ours(
    odd: Provider, headers: dict[str, str], body: bytes, stream: bool, expected: Expected
):
    odd.always(_written(200, headers, body))
    _is_a_completion_or_an_error(odd, stream, expected)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_an_error_of_ours(odd: Provider, written: bytes, stream: bool):
    odd.always(Reply(0, (written,)))
    _is_a_completion_or_an_error(odd, stream, FREE)


@given(ODD, st.sampled_from([FREE, CALL]))
@settings(max_examples=500)
def test_any_json_is_a_completion_or_an_error_of_ours(value: Any, expected: Expected):
    try:
        accepted(reply_of(json.dumps(value).encode()), expected, Allowed(100, 1000, 10_000))
    except ChatError:
        return
