"""The shapes of answers that chat-completions servers give, good and bad, each under a name.

Where a habit is a known server's, the comment names the server or the report of it.
"""

import gzip
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from tests.support.connection import Reply, Request
from tests.support.instances import instance

STALL_S = 3600.0
MEGABYTE = b" " * 1_000_000


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


def usage(**counts: Any) -> Answer:
    """Answer well, but for these counts of tokens."""
    return altered(lambda reply: reply["usage"].update(counts))


def zipped(request: Request) -> Reply:
    """Answer well, in gzip."""
    body = gzip.compress(json.dumps(completion(request)).encode())
    return Reply(200, (body,), {"content-type": "application/json", "content-encoding": "gzip"})


def chunked(request: Request, after: bytes = b"") -> Reply:
    """Answer well in one HTTP chunk, then write this to the connection and close it."""
    body = json.dumps(completion(request)).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    return Reply(0, (head + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n" + after,))


def followed(by: bytes) -> Answer:
    """Answer well, with this behind the JSON."""
    return lambda request: Reply(200, (json.dumps(completion(request)).encode() + by,))


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
    "rate_limited": rate_limited(),  # OpenAI
    "quota": error(  # OpenAI: langchainjs #1929 took it for a rate limit
        429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota"
    ),
    "overloaded": error(529, "Overloaded", kind="overloaded_error"),  # Anthropic
    "bad_request": error(400, "messages: at least one message is required", kind="invalid_request_error"),
    "unauthorized": error(401, "Incorrect API key provided", "invalid_api_key"),  # OpenAI
    "payment_required": error(  # Claude's list of errors, as are 403, 404, 413, 504 and 529
        402, "Your credit balance is too low", kind="billing_error"
    ),
    "forbidden": error(403, "Your key may not use this model", kind="permission_error"),
    "not_found": error(404, "The model does not exist", "model_not_found"),
    "method_not_allowed": error(405, "Method not allowed"),
    "too_large": error(413, "Request exceeds the maximum size", kind="request_too_large"),
    "unprocessable": error(422, "Input should be a valid list"),
    "redirect": Reply(  # a proxy before the server: OpenAI's SDK follows none with a key
        302, (), {"location": "/v1/elsewhere"}
    ),
    "no_model": written({"error": NO_MODEL}, 503),
    "spend_limit": error(400, "You have reached your specified API usage limits."),  # Anthropic
    "no_balance": written(  # Zhipu
        {"error": {"code": "1113", "message": "余额不足或无可用资源包,请充值"}}, 429
    ),
    "user_quota": error(403, "user quota is not enough", "insufficient_user_quota"),  # one-api
    "parameter_error": written(  # 302-AI-Studio: the same code is a network error within a stream
        {"error": {"err_code": -10003, "message": "Parameter error", "type": "api_error"}}, 400
    ),
    "conflict_forbidden": error(409, "Try no more", x_should_retry="false"),  # OpenAI's and Anthropic's SDKs
    "error_forbidden": error(500, "Try no more", x_should_retry="false"),
    "limit_forbidden": error(429, "Try no more", x_should_retry="false"),
    "bad_request_again": error(400, "Try again", x_should_retry="true"),
    "limit_again": rate_limited(x_should_retry="true"),
    "limit_too_long": rate_limited("121"),  # OpenAI's SDK waits for 120 s at most
    "limit_for_ever": rate_limited("9" * 30),
    "limit_until_9999": rate_limited("Fri, 31 Dec 9999 23:59:59 GMT"),
    "limit_bad_date": rate_limited("Zun, 29 Sep"),
    "limit_zero": rate_limited("0"),
    "bad_request_bad_date": error(  # OpenAI's SDK: it must not hide the 400
        400, "No", retry_after="Fri, 29 Sep 100000 16:26:57 GMT"
    ),
    # the seven envelopes of one-api's GeneralErrorResponse, and bodies that are none
    "envelope_error_message": written({"error": {"message": "No"}}, 400),
    "envelope_message": written({"message": "No"}, 400),
    "envelope_msg": written({"msg": "No", "code": 7}, 400),
    "envelope_err": written({"err": "No"}, 400),
    "envelope_error_msg": written({"error_msg": "No", "error_code": 17}, 400),  # Baidu
    "envelope_header": written({"header": {"message": "No", "code": 10013}}, 400),  # iFlytek
    "envelope_response": written({"response": {"error": {"message": "No"}}}, 400),
    "envelope_text": written({"error": "No"}, 400),
    "envelope_list": written([{"error": {"message": "No"}}], 400),  # Gemini
    "envelope_detail": written({"detail": [{"loc": ["body"], "msg": "No"}]}, 422),  # FastAPI, so vLLM
    "envelope_string": written("No", 400),
    "envelope_empty": Reply(400, (b"",)),
    "envelope_not_utf8": Reply(400, (b"\xff\xfe\x00",)),
    # broken servers and what stands before them
    "gateway_timeout": html(504),  # nginx
    "cloudflare_timeout": html(524),  # Cloudflare
    "request_timeout": error(408, "Timeout"),
    "no_content": Reply(204, ()),
    "limit_with_200": error(200, "Slow down", "429"),  # cookbook and curator look for it
    "quota_with_200": error(200, "You exceeded your current quota", "insufficient_quota"),
    "no_model_with_200": written({"error": NO_MODEL}),
    "text_with_200": Reply(200, (b"upstream connect error",), {"content-type": "text/plain"}),  # Envoy
    "null": written(None),
    "empty": Reply(200, (b"",)),
    "half_status_line": Reply(0, (b"HTTP/1.1 20",)),
    "other_protocol": Reply(0, (b"SSH-2.0-OpenSSH_9.9\r\n",)),
    "bad_chunk": Reply(0, (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n",)),
    "not_gzip": Reply(200, (b"not gzip",), {"content-encoding": "gzip"}),
    "gzip": zipped,
    "chunked": chunked,  # any server that does not know its length
    "garbage_after_chunks": lambda request: chunked(request, b"\r\nHTTP/1.1 500 Oh\r\n\r\n"),
    "garbage_after_json": followed(b'{"id": "chatcmpl-2"}'),
    "space_after_json": followed(b"\r\n\n "),
    "bom": lambda request: Reply(200, (b"\xef\xbb\xbf" + json.dumps(completion(request)).encode(),)),
    "100_mb": Reply(200, (MEGABYTE,) * 100),
    "server_error": error(500, "Internal error", kind="api_error"),
    "bad_gateway": html(502),  # nginx
    "unavailable": error(503, "Service unavailable"),
    "disconnect": Reply(0, hangs_up=True),  # a stale connection: huggingface_hub #4398
    "disconnect_mid_body": lambda request: Reply(200, (_half(request),), hangs_up=True),
    "stall": Reply(0, (STALL_S,)),  # llmock's no_read_timeout
    "stall_mid_body": lambda request: Reply(200, (_half(request), STALL_S)),
    "html_page": html(200),  # a wrong base_url, a captive portal: MoneyPrinterTurbo #87
    "error_with_200": error(200, "The server had an error"),  # cookbook and curator look for it
    "not_json": Reply(200, (b'{"id": "chatcmpl-1", "choices": [',)),
    "huge": saying("long " * 2_000_000),
    # odd replies
    "no_choices": altered(lambda reply: reply.update(choices=[])),
    "null_choices": altered(lambda reply: reply.update(choices=None)),  # pydantic-ai #5165
    "missing_usage": altered(lambda reply: reply.pop("usage")),  # one-api, of Claude
    "null_usage": altered(lambda reply: reply.update(usage=None)),  # new-api #5345
    "zero_usage": altered(  # PraisonAI #4656
        lambda reply: reply.update(usage=dict.fromkeys(reply["usage"], 0))
    ),
    "empty_usage": altered(lambda reply: reply.update(usage={})),
    "huge_usage": usage(prompt_tokens=10**15, completion_tokens=10**30),
    "negative_usage": usage(prompt_tokens=-1, completion_tokens=-1),
    "odd_usage": usage(prompt_tokens=12.5, completion_tokens="many"),
    "usage_list": altered(lambda reply: reply.update(usage=[])),
    "number_as_id": altered(lambda reply: reply.update(id=1, model=None)),
    "further_fields": altered(lambda reply: reply.update(service_tier="default", x={"y": [1e999]})),
    "null_message": altered(lambda reply: reply["choices"][0].update(message=None)),
    "no_message": altered(lambda reply: reply["choices"][0].pop("message")),
    "empty_content": message(content="", tool_calls=None),
    "null_content": message(content=None, tool_calls=None),  # OpenAI, beside tool calls; one-api sends ""
    "content_parts": replacing(_as_parts),  # the protocol's form of a request, sent back
    "blank_content": message(content=" \n", tool_calls=None),
    "nul_content": message(content="a\0b", tool_calls=None),
    "parts_without_text": message(content=[{"type": "thinking", "thinking": "hm"}], tool_calls=None),
    "length": finishing("length"),  # curator's invalid_finish_reasons
    "max_tokens": finishing("max_tokens"),  # Claude's, as are the next four
    "model_context_window_exceeded": finishing("model_context_window_exceeded"),
    "pause_turn": finishing("pause_turn"),
    "stop_sequence": finishing("stop_sequence"),
    "refusal_finish": finishing("refusal"),
    "empty_finish": finishing(""),  # one-api
    "stop_with_call": finishing("stop"),  # litellm #19028
    "function_call": finishing("function_call"),
    "cut": cut,
    "content_filter": finishing("content_filter"),  # OpenAI
    "refusal": message(content=None, tool_calls=None, refusal="I can't help with that."),  # OpenAI
    "unknown_finish": finishing("because"),  # one-api passes on what it does not know
    "missing_finish": altered(lambda reply: reply["choices"][0].pop("finish_reason")),
    "null_finish": finishing(None),  # as in the chunks of a stream
    "raw_finish": finishing("end_turn"),  # one-api passes Claude's own words through
    # what the model may put out
    "invalid_json": replacing(lambda text: f"Sure! {text} }}"),
    "schema_invalid": saying('{"unexpected": []}'),
    "nan": saying('{"total": NaN}'),
    "duplicate_keys": saying('{"label": "a", "label": "b"}'),
    "infinity": saying('{"total": 1e999}'),
    "lone_surrogate": saying('{"label": "\\ud800"}'),
    "trailing_brace": replacing(lambda text: text + "}"),  # haystack #1947
    "cut_but_stop": replacing(lambda text: text[: len(text) // 2]),  # litellm #19028
    "class_name": saying('{"__class__": "pathlib.Path", "data": "/etc/passwd"}'),
    "empty_arguments": saying(""),  # litellm #5063: a tool without arguments
    "doubly_encoded": replacing(json.dumps),  # simonw/llm #1164
    "triply_encoded": replacing(lambda text: json.dumps(json.dumps(text))),
    "arguments_object": replacing(json.loads),  # litellm #5063
    "null_arguments": replacing(lambda _: None),
    "arguments_list": replacing(lambda text: [text]),
    "call_without_id": altered(lambda reply: _call(reply)[0].pop("id")),
    "null_call": message(content="", tool_calls=[None]),
    "null_function": altered(lambda reply: _call(reply)[0].update(function=None)),
    "wrong_tool": altered(  # instructor's reask_tools, as are the next two
        lambda reply: _call(reply)[0]["function"].update(name="another_tool")
    ),
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
