"""Streams: a good reply cut into chunks as servers send them, and the ways in which streams go wrong.

Where a habit is a known server's, the comment names the server or the report of it.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.connection import Reply, Request
from tests.support.shapes import NO_MODEL, Answer, Shape, completion

Chunk = dict[str, Any]
STALL_S = 3600.0
PIECE = 7  # characters a chunk


def chunks(whole: Chunk) -> Iterator[Chunk]:
    """Cut a whole reply into the chunks of its stream."""
    head = {"id": whole["id"], "object": "chat.completion.chunk", "created": whole["created"]}
    head["model"] = whole["model"]
    for choice in whole["choices"]:
        message, index = choice["message"], choice["index"]

        def chunk(delta: Chunk, finish: str | None = None, index: int = index) -> Chunk:
            return {**head, "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}

        yield chunk({"role": "assistant", "content": ""})
        for piece in _pieces(message["content"]):
            yield chunk({"content": piece})
        for number, call in enumerate(message.get("tool_calls", [])):
            named = {**call, "index": number, "function": {"name": call["function"]["name"], "arguments": ""}}
            yield chunk({"tool_calls": [named]})
            for piece in _pieces(call["function"]["arguments"]):
                yield chunk({"tool_calls": [{"index": number, "function": {"arguments": piece}}]})
        yield chunk({}, choice["finish_reason"])
    yield {**head, "choices": [], "usage": whole["usage"]}


def event(data: Chunk | str, end: str = "\n") -> bytes:
    """Write one event."""
    text = data if isinstance(data, str) else json.dumps(data)
    return f"data: {text}{end}{end}".encode()


def stream(parts: list[bytes | float], *, hangs_up: bool = False) -> Reply:
    """Reply with a stream."""
    return Reply(200, tuple(parts), {"content-type": "text/event-stream"}, hangs_up)


def streaming(
    change: Callable[[list[Chunk]], list[Chunk]] = lambda each: each, *, done: bool = True, end: str = "\n"
) -> Answer:
    """Stream a good reply, but for what `change` makes of its chunks."""

    def answer(request: Request) -> Reply:
        sent = [event(chunk, end) for chunk in change(list(chunks(completion(request))))]
        return stream([*sent, *([event("[DONE]", end)] if done else [])])

    return answer


def cut_off(*then: bytes | float, hangs_up: bool = False) -> Answer:
    """Stream the first half of a good reply, then this."""

    def answer(request: Request) -> Reply:
        sent = [event(chunk) for chunk in chunks(completion(request))]
        return stream([*sent[: len(sent) // 2], *then], hangs_up=hangs_up)

    return answer


def _pieces(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def _deltas(each: list[Chunk], change: Callable[[Chunk], object]) -> list[Chunk]:
    for chunk in each:
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls", []):
                change(call)
    return each


def _empty_finish(each: list[Chunk]) -> list[Chunk]:
    for chunk in each:
        for choice in chunk["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or ""
    return each


def _without_finish(each: list[Chunk]) -> list[Chunk]:
    return [chunk for chunk in each if not any(choice["finish_reason"] for choice in chunk["choices"])]


def _usage_each(each: list[Chunk]) -> list[Chunk]:
    return [{"usage": None, **chunk} for chunk in each] + each[-1:]


def _bytewise(request: Request) -> Reply:
    whole = streaming(end="\r\n")(request).parts
    joined = b"".join(part for part in whole if isinstance(part, bytes))
    return stream([joined[at : at + 1] for at in range(len(joined))])


NETWORK_ERROR = {"error": {"err_code": -10003, "message": "Network error, please try again later"}}

GOOD: dict[str, Shape] = {
    "stream": streaming(),
    "stream_cr": streaming(end="\r"),
    "stream_bytewise_crlf": _bytewise,
    "stream_comments": lambda request: stream(
        [b": keep-alive\n\n", *streaming()(request).parts]  # OpenRouter
    ),
    "stream_bom": lambda request: stream([b"\xef\xbb\xbf", *streaming()(request).parts]),
    "stream_without_done": streaming(done=False),  # llmgateway #1901
    "stream_empty_finish": streaming(_empty_finish),  # one-api: "" with every chunk
    "stream_without_usage": streaming(lambda each: each[:-1]),  # one-api, of Claude
    "stream_usage_each": streaming(_usage_each),  # null with every chunk, and twice at the end
    "stream_calls_without_index": streaming(  # one-api's Tool has none
        lambda each: _deltas(each, lambda call: call.pop("index"))
    ),
    "stream_whole_message": lambda request: stream(  # a gateway that does not stream
        [event({**completion(request), "object": "chat.completion.chunk"}), event("[DONE]")]
    ),
}
BAD: dict[str, Shape] = {
    "stream_cut": cut_off(),
    "stream_cut_but_done": cut_off(event("[DONE]")),  # one-api sends [DONE] whatever happened
    "stream_disconnect": cut_off(hangs_up=True),
    "stream_stall": cut_off(STALL_S),
    "stream_error": cut_off(event({"error": {"message": "Overloaded", "type": "overloaded_error"}})),
    "stream_raw_error": cut_off(json.dumps(NETWORK_ERROR).encode() + b"\n"),  # 302-AI-Studio reads these
    "stream_no_model": cut_off(event({"error": NO_MODEL})),
    "stream_not_json": cut_off(b"data: {half\n\n"),
    "stream_without_finish": streaming(_without_finish),
    "stream_empty": lambda _: stream([event("[DONE]")]),
    "stream_endless_line": lambda _: stream([b"data: " + b"x" * 1_000_000] * 10),
}
