"""What a test's provider answers: a table's entry as the reply of the chat-completions protocol."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

BYTES_PER_TOKEN = 4
BAD_REQUEST = 400


@dataclass(frozen=True)
class Request:
    """A request as it arrived; names of `headers` are in lower case."""

    headers: Mapping[str, str]
    content: bytes

    @cached_property
    def body(self) -> dict[str, Any]:
        """Give the body's JSON."""
        parsed: dict[str, Any] = json.loads(self.content)
        return parsed

    @property
    def text(self) -> str:
        """Join what the messages say."""
        return "\n".join(_said(message.get("content")) for message in self.body["messages"])

    @property
    def schema(self) -> dict[str, Any] | None:
        """Give the JSON Schema that the reply has to satisfy, where the body carries one."""
        if tools := self.body.get("tools"):
            parameters: dict[str, Any] = tools[0]["function"].get("parameters") or {}
            return parameters
        declared: dict[str, Any] | None
        declared = (self.body.get("response_format") or {}).get("json_schema", {}).get("schema")
        return declared


Answer = str | int | Mapping[str, Any] | Callable[[Request], Any]
Answers = Answer | Sequence[Answer]


@dataclass(frozen=True)
class Reply:
    """A status and the JSON that goes with it."""

    status: int
    value: dict[str, Any]


def replied(request: Request, table: Mapping[str, Answers]) -> Reply:
    """Answer from the table: by the first of its texts that the request holds."""
    entry = next((entry for text, entry in table.items() if text in request.text), None)
    if entry is None:
        return error(BAD_REQUEST, "no text of the test's table stands in this request")
    answer = _fitting(request, entry)
    while callable(answer):
        answer = answer(request)
    if isinstance(answer, int):
        return error(answer, "the test's table says so")
    return Reply(200, _completion(request, answer))


def error(status: int, message: str) -> Reply:
    """Make the protocol's error of a status."""
    return Reply(status, {"error": {"message": message, "type": "error", "param": None, "code": None}})


def _fitting(request: Request, entry: Answers) -> Answer:
    """Choose among several answers the first that can be one to this request."""
    if isinstance(entry, str) or not isinstance(entry, Sequence):
        return entry
    return next((answer for answer in entry if _fits(request, answer)), entry[0])


def _fits(request: Request, answer: Answer) -> bool:
    schema = request.schema
    if isinstance(answer, Mapping):
        return schema is not None and _label_key(schema) is None
    if isinstance(answer, str):
        return schema is None or _is_label(schema, answer)
    return True


def _completion(request: Request, answer: str | Mapping[str, Any]) -> dict[str, Any]:
    message = _message(request, answer)
    finish = "tool_calls" if "tool_calls" in message else "stop"
    count = request.body.get("n") or 1
    prompt_tokens = len(request.content) // BYTES_PER_TOKEN
    completion_tokens = max(1, len(json.dumps(answer)) // BYTES_PER_TOKEN) * count
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "created": 0,
        "model": request.body["model"],
        "choices": [{"index": index, "message": message, "finish_reason": finish} for index in range(count)],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _message(request: Request, answer: str | Mapping[str, Any]) -> dict[str, Any]:
    schema = request.schema
    tools = [tool["function"]["name"] for tool in request.body.get("tools") or []]
    forced = isinstance(request.body.get("tool_choice"), dict)
    text = answer if isinstance(answer, str) else json.dumps(answer)
    if schema is not None and isinstance(answer, str) and _is_label(schema, answer):
        text = json.dumps({_label_key(schema): answer})
    if not tools or (isinstance(answer, str) and not forced):
        return {"role": "assistant", "content": text}
    name = tools[0]
    if isinstance(answer, Mapping) and answer.keys() == {"name", "arguments"} and answer["name"] in tools:
        name, text = answer["name"], json.dumps(answer["arguments"])
    call = {"id": "call_test", "type": "function", "function": {"name": name, "arguments": text}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _label_key(schema: Mapping[str, Any]) -> str | None:
    """Name the one property that is a choice among labels, as a classify step asks for it."""
    properties = schema.get("properties", {})
    [key, rule] = next(iter(properties.items())) if len(properties) == 1 else ("", {})
    return key if isinstance(rule, dict) and "enum" in rule else None


def _is_label(schema: Mapping[str, Any], answer: str) -> bool:
    key = _label_key(schema)
    return key is not None and answer in schema["properties"][key]["enum"]


def _said(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return str(content or "")
