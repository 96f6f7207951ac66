"""The shapes of answers that chat-completions servers give, good and bad, each under a name.

Where a habit is a known server's, the comment names the server or the report of it.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from tests.connection import Reply, Request
from tests.instances import instance

STALL_S = 3600.0


Answer = Callable[[Request], Reply]
Shape = str | Reply | Answer


def written(value: Any, status: int = 200, **headers: str) -> Reply:
    """Reply with a JSON value; `retry_after="1"` becomes the header retry-after."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, (json.dumps(value).encode(),), {"content-type": "application/json", **named})


def html(status: int) -> Reply:
    """Reply with a page, as proxies and captive portals do."""
    page = b"<!DOCTYPE html><html><body><h1>Not the API</h1></body></html>"
    return Reply(status, (page,), {"content-type": "text/html"})


def error(status: int, message: str, code: str | None = None, kind: str = "error", **headers: str) -> Reply:
    """Reply with the protocol's error envelope."""
    envelope = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return written(envelope, status, **headers)


def rate_limited(retry_after: str | None = None, **headers: str) -> Reply:
    """Reply 429, with a Retry-After of seconds or a date where one is given."""
    waiting = {} if retry_after is None else {"retry_after": retry_after}
    return error(429, "Rate limit reached", "rate_limit_exceeded", "requests", **waiting, **headers)


def completion(request: Request, answer: str | None = None) -> dict[str, Any]:
    """Write a good reply; `answer` is the text, or the JSON that the schema asks for."""
    schema = requested_schema(request)
    if answer is None:
        known = sha256(request.body).hexdigest()[:8]
        answer = f"A short text, {known}." if schema is None else json.dumps(instance(schema))
    message: dict[str, Any] = {"role": "assistant", "content": answer}
    if tools := request.parsed.get("tools"):
        call = {"name": tools[0]["function"]["name"], "arguments": answer}
        called = {"id": f"call_{request.number}", "type": "function", "function": call}
        message = {"role": "assistant", "content": "", "tool_calls": [called]}  # one-api: "", never null
    tokens = len(request.body) // 4, max(1, len(answer) // 4)
    return {
        "id": f"chatcmpl-{request.number}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request.parsed.get("model", "unnamed"),
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if tools else "stop"}],
        "usage": dict(
            zip(("prompt_tokens", "completion_tokens", "total_tokens"), (*tokens, sum(tokens)), strict=True)
        ),
    }


def requested_schema(request: Request) -> Any:
    """Find what the request wants to be satisfied: its tool's or its response_format's schema."""
    if tools := request.parsed.get("tools"):
        return tools[0]["function"]["parameters"]
    form = request.parsed.get("response_format") or {}
    return form.get("json_schema", {}).get("schema", form.get("schema"))


def ok(request: Request) -> Reply:
    """Answer as a good server with a good model does."""
    return written(completion(request))


def saying(answer: str) -> Answer:
    """Let the model put out just this, as arguments or as text, whichever was asked for."""
    return lambda request: written(completion(request, answer))


def altered(change: Callable[[dict[str, Any]], object]) -> Answer:
    """Answer well, but for what `change` does to the reply's object."""

    def answer(request: Request) -> Reply:
        reply = completion(request)
        change(reply)
        return written(reply)

    return answer


def finishing(reason: str | None) -> Answer:
    """Answer well, but for the finish_reason."""
    return altered(lambda reply: reply["choices"][0].update(finish_reason=reason))


def message(**changes: Any) -> Answer:
    """Answer well, but for these fields of the message."""
    return altered(lambda reply: reply["choices"][0]["message"].update(changes))


def replacing(text: Callable[[str], Any]) -> Answer:
    """Answer well, but for what `text` makes of the arguments or the content."""

    def change(reply: dict[str, Any]) -> None:
        said = reply["choices"][0]["message"]
        if calls := said.get("tool_calls"):
            calls[0]["function"]["arguments"] = text(calls[0]["function"]["arguments"])
        else:
            said["content"] = text(said["content"])

    return altered(change)


def _call(reply: dict[str, Any]) -> Any:
    return reply["choices"][0]["message"]["tool_calls"]


def _half(request: Request) -> bytes:
    body = json.dumps(completion(request)).encode()
    return body[: len(body) // 2]


def _as_parts(text: str) -> list[dict[str, str]]:
    middle = len(text) // 2
    return [{"type": "text", "text": text[:middle]}, {"type": "text", "text": text[middle:]}]


def cut(request: Request) -> Reply:
    """Stop at max_tokens in the middle of the output."""
    half = completion(request)["choices"][0]["message"]
    text = half["tool_calls"][0]["function"]["arguments"] if "tool_calls" in half else half["content"]
    reply = completion(request, text[: len(text) // 2])
    reply["choices"][0]["finish_reason"] = "length"
    return written(reply)


NO_MODEL = {  # 302.AI, seen live in July 2026 with status 503
    "err_code": -10008,
    "message": "No available models currently",
    "message_cn": "当前无可用模型",
    "type": "api_error",
}

SHAPES: dict[str, Shape] = {
    "ok": ok,
    # refused before the model ran
    "rate_limited": rate_limited(),
    "quota": error(429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota"),
    "overloaded": error(529, "Overloaded", kind="overloaded_error"),  # Anthropic
    "bad_request": error(400, "messages: at least one message is required", kind="invalid_request_error"),
    "unauthorized": error(401, "Incorrect API key provided", "invalid_api_key"),
    "payment_required": error(402, "Your credit balance is too low", kind="billing_error"),
    "forbidden": error(403, "Your key may not use this model", kind="permission_error"),
    "not_found": error(404, "The model does not exist", "model_not_found"),
    "method_not_allowed": error(405, "Method not allowed"),
    "too_large": error(413, "Request exceeds the maximum size", kind="request_too_large"),
    "unprocessable": error(422, "Input should be a valid list"),
    "redirect": Reply(302, (), {"location": "/v1/elsewhere"}),
    "no_model": written({"error": NO_MODEL}, 503),
    # broken servers and what stands before them
    "server_error": error(500, "Internal error", kind="api_error"),
    "bad_gateway": html(502),
    "unavailable": error(503, "Service unavailable"),
    "disconnect": Reply(0, hangs_up=True),
    "disconnect_mid_body": lambda request: Reply(200, (_half(request),), hangs_up=True),
    "stall": Reply(0, (STALL_S,)),
    "stall_mid_body": lambda request: Reply(200, (_half(request), STALL_S)),
    "html_page": html(200),
    "error_with_200": error(200, "The server had an error"),  # cookbook and curator look for it
    "not_json": Reply(200, (b'{"id": "chatcmpl-1", "choices": [',)),
    "huge": saying("long " * 2_000_000),
    # odd replies
    "no_choices": altered(lambda reply: reply.update(choices=[])),
    "null_choices": altered(lambda reply: reply.update(choices=None)),  # pydantic-ai #5165
    "missing_usage": altered(lambda reply: reply.pop("usage")),
    "null_usage": altered(lambda reply: reply.update(usage=None)),
    "zero_usage": altered(lambda reply: reply.update(usage=dict.fromkeys(reply["usage"], 0))),
    "empty_content": message(content="", tool_calls=None),
    "null_content": message(content=None, tool_calls=None),
    "content_parts": replacing(_as_parts),
    "length": finishing("length"),
    "cut": cut,
    "content_filter": finishing("content_filter"),
    "refusal": message(content=None, tool_calls=None, refusal="I can't help with that."),
    "unknown_finish": finishing("because"),
    "missing_finish": altered(lambda reply: reply["choices"][0].pop("finish_reason")),
    "null_finish": finishing(None),
    "raw_finish": finishing("end_turn"),  # one-api passes Claude's own words through
    # what the model may put out
    "invalid_json": replacing(lambda text: f"Sure! {text} }}"),
    "schema_invalid": saying('{"unexpected": []}'),
    "nan": saying('{"total": NaN}'),
    "duplicate_keys": saying('{"label": "a", "label": "b"}'),
    "class_name": saying('{"__class__": "pathlib.Path", "data": "/etc/passwd"}'),
    "empty_arguments": saying(""),
    "doubly_encoded": replacing(json.dumps),  # simonw/llm #1164
    "arguments_object": replacing(json.loads),  # litellm #5063
    "wrong_tool": altered(lambda reply: _call(reply)[0]["function"].update(name="another_tool")),
    "two_calls": altered(lambda reply: _call(reply).append({**_call(reply)[0], "id": "call_second"})),
    "no_call": message(content="I would rather talk.", tool_calls=None),
}


def answered(shape: Shape, request: Request) -> Reply:
    """Give the reply of a shape to this request; a name is looked up in SHAPES."""
    if isinstance(shape, str):
        shape = SHAPES[shape]
    while not isinstance(shape, Reply | str):
        shape = shape(request)
    return shape if isinstance(shape, Reply) else answered(shape, request)
