"""A streamed reply gives the completion that the plain one gives, or the error that it ended with."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.errors import ChatError, Fatal, MaybeBilled, Transient
from docmill.tasks.chat import streaming
from docmill.tasks.chat.envelope import reply_of
from docmill.tasks.chat.streaming import StreamedReply
from tests.support import streams
from tests.support.connection import Reply, Request
from tests.support.shapes import answered, completion

WEATHER = {
    "model": "m",
    "messages": [{"role": "user", "content": "What's the weather?"}],
    "tools": [
        {"type": "function", "function": {"name": "weather", "parameters": {"properties": {"in": {}}}}}
    ],
}


def request(body: Any = WEATHER) -> Request:
    return Request(1, "POST", "/v1/chat/completions", {}, json.dumps(body).encode(), 0)


def assembled(reply: Reply) -> Any:
    whole = StreamedReply()
    for part in reply.parts:
        if isinstance(part, bytes):
            whole.feed(part)
    return json.loads(whole.body())


def of(*chunks: Any) -> Any:
    return assembled(streams.stream([*map(streams.event, chunks)]))["choices"]


def calls(*deltas: Any) -> list[tuple[str, Any]]:
    parts = [{"choices": [{"index": 0, "delta": {"tool_calls": [delta]}}]} for delta in deltas]
    [choice] = of(*parts, {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    return [
        (call["function"]["name"], call["function"]["arguments"]) for call in choice["message"]["tool_calls"]
    ]


def call(name: str | None = None, arguments: str = "", **keys: Any) -> dict[str, Any]:
    return {**keys, "function": {"arguments": arguments, **({"name": name} if name else {})}}


@pytest.mark.parametrize("body", [WEATHER, {k: v for k, v in WEATHER.items() if k != "tools"}])
@pytest.mark.parametrize("shape", streams.GOOD)
def test_a_stream_is_the_reply_that_it_makes(shape: str, body: Any):
    asked = request(body)
    whole = completion(asked)
    got = assembled(answered(streams.GOOD[shape], asked))
    [choice], [expected] = got["choices"], whole["choices"]
    assert choice["message"] == expected["message"]
    assert choice["finish_reason"] == expected["finish_reason"]
    assert got.get("usage") == (None if shape == "stream_without_usage" else whole["usage"])


def test_all_choices_are_kept():
    asked = request({"model": "m", "messages": WEATHER["messages"]})
    whole = completion(asked)
    whole["choices"].append({**whole["choices"][0], "index": 1, "message": {"content": "another"}})
    told: list[str] = []
    reply = StreamedReply()
    for chunk in streams.chunks(whole):
        told += reply.feed(streams.event(chunk))
    texts = [choice["message"]["content"] for choice in json.loads(reply.body())["choices"]]
    assert texts == [choice["message"]["content"] for choice in whole["choices"]]
    assert "".join(told) == texts[0]


@pytest.mark.parametrize("shape", [name for name in streams.BAD if name not in ("stream_stall",)])
def test_a_stream_that_goes_wrong_is_no_reply(shape: str):
    with pytest.raises(ChatError):
        reply_of(json.dumps(assembled(answered(streams.BAD[shape], request()))).encode())


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ("stream_cut", MaybeBilled),
        ("stream_cut_but_done", MaybeBilled),
        ("stream_raw_error", Transient),
        ("stream_not_json", MaybeBilled),
        ("stream_endless_line", MaybeBilled),
    ],
)
def test_what_it_means(shape: str, kind: type[ChatError]):
    with pytest.raises(kind):
        reply_of(json.dumps(assembled(answered(streams.BAD[shape], request()))).encode())


def test_two_calls_that_share_an_index_are_told_apart_by_their_ids():
    """new-api gives both 0 where no text comes first, which is so with a forced tool."""
    deltas = [
        call("a", index=0, id="one"),
        call(arguments='{"x":', index=0),
        call(arguments="1}", index=0),
        call("b", index=0, id="two"),
        call(arguments="{}", index=0),
    ]
    assert calls(*deltas) == [("a", '{"x":1}'), ("b", "{}")]


def test_calls_that_come_interleaved_are_told_apart_by_their_index():
    deltas = [
        call("a", index=0, id="one"),
        call("b", index=1, id="two"),
        call(arguments="[1", index=0),
        call(arguments="[2", index=1),
        call(arguments="]", index=0),
        call(arguments="]", index=1),
    ]
    assert calls(*deltas) == [("a", "[1]"), ("b", "[2]")]


def test_an_id_that_is_repeated_goes_on_with_its_call():
    deltas = [call("a", id="one"), call(arguments="{", id="one"), call(arguments="}", id="one")]
    assert calls(*deltas) == [("a", "{}")]


def test_arguments_may_come_as_an_object_and_text_weighs_more():
    whole = {"function": {"name": "a", "arguments": {"x": 1}}}
    assert calls({**whole, "id": "one"}) == [("a", {"x": 1})]
    assert calls({**whole, "id": "one"}, call(arguments='{"x":2}', id="one")) == [("a", '{"x":2}')]


def test_a_stream_has_an_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streaming, "LARGEST_STREAM_BYTES", 10_000)
    reply = StreamedReply()
    with pytest.raises(MaybeBilled, match="larger than"):
        sum(len(reply.feed(b": nothing to say\n\n")) for _ in range(1000))


def test_a_model_that_is_not_served_is_told_apart_in_a_stream():
    with pytest.raises((Fatal, Transient)) as caught:
        reply_of(json.dumps(assembled(answered(streams.BAD["stream_no_model"], request()))).encode())
    assert caught.value.code == "-10008"


KEYS = "choices delta message content tool_calls function name arguments index id finish_reason usage error x"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS.split()),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4))
def test_whatever_chunks_hold_gives_a_reply_or_an_error_of_ours(chunks: list[Any]):
    reply = StreamedReply()
    try:
        for chunk in chunks:
            reply.feed(streams.event(json.dumps(chunk)))
        reply_of(reply.body())
    except ChatError:
        return
