"""Replies without bound: refused before they take memory or time, however they are wrapped."""

import asyncio
import gzip
import json
import time
from typing import Any

import pytest

from docmill.schemas.endpoint import Endpoint
from docmill.schemas.errors import InvalidReply, MaybeBilled
from docmill.tasks.chat.envelope import MOST_VALUES, reply_of
from docmill.tasks.chat.expected import CHARS_A_TOKEN, Expected
from docmill.tasks.chat.reading import accepted
from docmill.tasks.chat.streaming import StreamedReply
from docmill.tasks.chat.transport import LARGEST_REPLY_BYTES, Transport
from docmill.tasks.chat.usage import Allowed, tokens_of
from tests.support.asking import free
from tests.support.connection import Reply, Request
from tests.support.provider import Provider
from tests.support.shapes import completion
from tests.support.streams import event

ALLOWED = Allowed(request_bytes=600, answer_tokens=200, context_tokens=2000)
MEGABYTE = 1_000_000


def zipped(times: int, body: bytes, encoding: str) -> Reply:
    for _ in range(times):
        body = gzip.compress(body)
    return Reply(200, (body,), {"content-type": "application/json", "content-encoding": encoding})


async def post(provider: Provider) -> bytes:
    async with Transport(Endpoint(base_url=provider.url, timeout_s=10), 1) as transport:
        return await transport.post(free())


async def test_no_encoding_is_asked_for(provider: Provider):
    await post(provider)
    assert provider.requests[0].headers["accept-encoding"] == "identity"


async def test_a_reply_in_gzip_is_read(provider: Provider):
    provider.rule(lambda request: zipped(1, json.dumps(completion(request)).encode(), "gzip"))
    assert reply_of(await post(provider)).choices


@pytest.mark.parametrize(
    ("times", "encoding", "said"),
    [
        (2, "gzip, gzip", "encoding"),
        (1, "br", "encoding"),
        (1, "deflate", "encoding"),
        (0, "gzip", "no gzip"),
    ],
)
async def test_an_encoding_within_another_or_another_one_is_refused(
    provider: Provider, times: int, encoding: str, said: str
):
    provider.always(zipped(times, b" " * MEGABYTE, encoding))
    with pytest.raises(MaybeBilled, match=said):
        await post(provider)


@pytest.mark.slow
async def test_what_was_zipped_small_is_not_read_past_the_bound_and_the_loop_goes_on(provider: Provider):
    provider.always(zipped(1, b" " + b"x" * (400 * MEGABYTE), "gzip"))
    stalls: list[float] = []

    async def tick() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0)
            stalls.append(time.monotonic() - began)

    ticking = asyncio.create_task(tick())
    with pytest.raises(MaybeBilled, match=f"larger than {LARGEST_REPLY_BYTES:,}"):
        await post(provider)
    ticking.cancel()
    assert max(stalls) < 2


@pytest.mark.parametrize("times", [0, 1], ids=["plain", "in gzip"])
async def test_blanks_without_end_are_not_read_past_the_bound(provider: Provider, times: int):
    encoding = "gzip" if times else "identity"
    provider.always(zipped(times, b" " * (LARGEST_REPLY_BYTES + 1), encoding))
    with pytest.raises(MaybeBilled, match=f"larger than {LARGEST_REPLY_BYTES:,}"):
        await post(provider)


@pytest.mark.parametrize("status", [401, 429, 500])
async def test_an_error_in_an_odd_encoding_still_means_its_status(provider: Provider, status: int):
    provider.always(Reply(status, (b"\x00" * 20,), {"content-encoding": "br"}))
    with pytest.raises(Exception, match=f"answered {status}"):
        await post(provider)


# Parts


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": [' + b"{}," * 5_000_000 + b"{}]}",
        b'{"choices": [{"message": {"content": [' + b"{}," * 1_200_000 + b"{}]}}]}",
        b'{"choices": [{}], "x": [' + b"0," * 7_000_000 + b"0]}",
    ],
    ids=["choices", "parts", "numbers"],
)
def test_a_reply_of_millions_of_values_is_refused_before_they_are_built(body: bytes):
    began = time.monotonic()
    with pytest.raises(InvalidReply) as caught:
        reply_of(body)
    assert caught.value.body == f"it holds more than {MOST_VALUES:,} values"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ([{"message": {"content": "a"}}] * 129, "at most 128 choices"),
        ([{"message": {"content": [{"text": "a"}] * 4097}}], "at most 4096 parts"),
        ([{"message": {"tool_calls": [{"id": "c"}] * 129}}], "at most 128 tools called"),
    ],
)
def test_parts_are_counted_before_models_are_built_of_them(choices: Any, said: str):
    with pytest.raises(InvalidReply) as caught:
        reply_of(json.dumps({"choices": choices}).encode())
    assert caught.value.body == said


@pytest.mark.parametrize("key", ["id", "index"])
def test_a_stream_of_many_calls_is_refused_at_once(key: str):
    deltas = [
        {key: number if key == "index" else f"c{number}", "function": {"name": "t"}}
        for number in range(20_000)
    ]
    began = time.monotonic()
    with pytest.raises(InvalidReply):
        StreamedReply().feed(event({"choices": [{"index": 0, "delta": {"tool_calls": deltas}}]}))
    assert time.monotonic() - began < 5


def test_a_call_that_comes_in_many_deltas_takes_linear_time():
    reply, began = StreamedReply(), time.monotonic()
    for number in range(20_000):
        call = {"index": 0, "id": f"c{number}", "function": {"arguments": "[" if number == 0 else " "}}
        reply.feed(event({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}))
    reply.feed(event({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}))
    [call] = json.loads(reply.body())["choices"][0]["message"]["tool_calls"]
    assert len(call["function"]["arguments"]) == 20_000
    assert time.monotonic() - began < 20


# What is read of it


@pytest.mark.parametrize(
    "text",
    ["<think>\n" * 400_000, '{"' * 900_000, "{" * 900_000, '{"a":[' * 450_000, "```\n" * 700_000],
    ids=["thinking", "keys", "braces", "lists", "fences"],
)
def test_a_text_of_any_shape_is_searched_in_linear_time(text: str):
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    reply = reply_of(json.dumps({"choices": [choice]}).encode())
    began = time.monotonic()
    with pytest.raises(InvalidReply):
        accepted(reply, Expected(None, '{"type": "object", "required": ["a"]}'), ALLOWED)
    assert time.monotonic() - began < 20


def test_a_text_far_longer_than_its_max_tokens_is_invalid():
    expected = Expected.of({"max_tokens": 10}, None)
    most = 10 * CHARS_A_TOKEN
    reply = reply_of(
        json.dumps(
            {"choices": [{"message": {"content": "x" * (most + 1)}, "finish_reason": "stop"}]}
        ).encode()
    )
    with pytest.raises(InvalidReply, match="far longer") as caught:
        accepted(reply, expected, ALLOWED)
    assert caught.value.body == f"it has {most + 1:,} characters: write at most {most:,}"
    shorter = reply_of(
        json.dumps({"choices": [{"message": {"content": "x" * most}, "finish_reason": "stop"}]}).encode()
    )
    assert len(accepted(shorter, expected, ALLOWED).text) == most


# The usage


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 480}, (100, 380, 0, 350, False)),
        (
            {"prompt_tokens": 100, "completion_tokens": 200, "total_tokens": 1300}
            | {"completion_tokens_details": {"reasoning_tokens": 1000}},
            (100, 1200, 0, 1000, False),
        ),
        (
            {"prompt_tokens": 100, "completion_tokens": 300, "total_tokens": 400}
            | {"completion_tokens_details": {"reasoning_tokens": 250}},
            (100, 300, 0, 250, False),
        ),
        ({"prompt_tokens": 100, "completion_tokens": 30, "total_tokens": 0}, (100, 30, 0, 0, False)),
        ({"prompt_tokens": 100, "completion_tokens": 0, "total_tokens": 180}, (100, 80, 0, 0, False)),
        (
            {"prompt_tokens": 900, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 800}},
            (900, 10, 800, 0, False),
        ),
        (
            {"prompt_tokens": 900, "completion_tokens": 10, "prompt_cache_hit_tokens": 700},
            (900, 10, 700, 0, False),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 10,
                "total_tokens": 810,
                "cache_read_input_tokens": 700,
            },
            (800, 10, 700, 0, False),
        ),
        (
            {"prompt_tokens": 50, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 90}},
            (50, 5, 50, 0, False),
        ),
        ({"prompt_tokens": 100, "completion_tokens": 10**9}, (100, 3, 0, 0, True)),
        ({"prompt_tokens": 10**9, "completion_tokens": 5}, (200, 5, 0, 0, True)),
        ({"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 10**9}, (100, 3, 0, 0, True)),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 10**9,
                "completion_tokens_details": {"reasoning_tokens": 10**9},
            },
            (100, 3, 0, 0, True),
        ),
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 5,
                "prompt_tokens_details": [],
                "completion_tokens_details": 5,
            },
            (100, 5, 0, 0, False),
        ),
    ],
)
def test_a_usage_is_counted_as_far_as_the_request_allows(usage: Any, counted: Any):
    reply = reply_of(
        json.dumps({"choices": [{"message": {"content": "A text of"}}], "usage": usage}).encode()
    )
    tokens = tokens_of(reply, ALLOWED)
    assert (tokens.prompt, tokens.completion, tokens.cached, tokens.reasoning, tokens.estimated) == counted


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 900, "cache_creation_input_tokens": 300}, (900, 0, 300)),
        (
            {"prompt_tokens": 50, "total_tokens": 457, "cache_read_input_tokens": 300}
            | {"cache_creation_input_tokens": 100},
            (450, 300, 100),
        ),
        (
            {"prompt_tokens": 900}
            | {"prompt_tokens_details": {"cached_tokens": 200, "cache_creation_tokens": 300}},
            (900, 200, 300),
        ),
        (
            {"prompt_tokens": 900}
            | {"prompt_tokens_details": {"cached_tokens": 800, "cache_write_tokens": 300}},
            (900, 800, 100),
        ),
    ],
)
def test_what_a_server_puts_into_its_cache_is_counted(usage: Any, counted: Any):
    whole = {"choices": [{"message": {"content": "A text of"}}]}
    reply = reply_of(json.dumps({**whole, "usage": {"completion_tokens": 7} | usage}).encode())
    tokens = tokens_of(reply, ALLOWED)
    assert (tokens.prompt, tokens.cached, tokens.kept) == counted


@pytest.mark.parametrize(
    ("cost", "billed"),
    [(0.25, 0.25), (0, 0), ("0.5", 0.5), (None, None), (-1, None), ({"total": 1}, None), ("NaN", None)],
)
def test_a_servers_own_bill_is_an_amount_of_money(cost: Any, billed: float | None):
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "cost": cost}
    whole = {"choices": [{"message": {"content": "text"}}], "usage": usage}
    assert tokens_of(reply_of(json.dumps(whole).encode()), ALLOWED).billed_usd == billed


# A stream that is none, and one that nobody asked for


def whole(request: Request) -> bytes:
    return json.dumps(completion(request)).encode()


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", "text/plain"])
async def test_events_though_none_were_asked_for_are_a_reply(provider: Provider, kind: str):
    provider.rule(
        lambda request: Reply(
            200, (b"\n", b"da", b"ta: " + whole(request) + b"\n\n", event("[DONE]")), {"content-type": kind}
        )
    )
    assert reply_of(await post(provider)).choices


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
async def test_a_whole_reply_though_a_stream_was_asked_for_is_one(provider: Provider, kind: str):
    provider.rule(
        lambda request: Reply(200, (whole(request), b"\n\ndata: [DONE]\n\n"), {"content-type": kind})
    )
    async with Transport(Endpoint(base_url=provider.url, timeout_s=10), 1) as transport:
        assert reply_of(await transport.post(free(stream=True), stream=True)).choices
