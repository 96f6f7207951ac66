"""From a reply's bytes to a completion: `stop` proves nothing, the reply must parse and validate."""

import json
from codecs import BOM_UTF8
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from docmill.schemas.chat import Choice, Completion, Message, Reply, ToolCall, Usage
from docmill.schemas.errors import ConfigError, CutShort, InvalidReply, Refused
from docmill.tasks.chat.errors import excerpt, without_answer
from docmill.tasks.checks.faults import problem, shown
from docmill.tasks.checks.jsontext import found, parse
from docmill.tasks.checks.validation import validator

BYTES_PER_TOKEN = 3
MOST_TOKENS = 1_000_000_000  # a count beyond it is none
MOST_NAMED = 5

# Claude's own words beside the protocol's: gateways pass either on.
COMPLETE = {"stop", "end_turn", "stop_sequence", "tool_calls", "tool_use", "function_call"}
CUT_SHORT = {"length", "max_tokens", "model_context_window_exceeded"}
REFUSED = {"content_filter", "refusal"}
OBJECT = {"type": "object"}  # a tool may leave its parameters out


@dataclass(frozen=True)
class Expected:
    """What a request's reply must be: the call of a tool, JSON, or (schema None) free text.

    `in_prose` says that the request asks for the JSON in words alone: prose around it is no fault.
    """

    tool: str | None
    schema: str | None
    in_prose: bool = False

    @classmethod
    def of(cls, request: dict[str, Any], schema: str | None) -> "Expected":
        """Read it out of the request; `schema` is what its body does not carry.

        Raises ConfigError for a request whose reply could not be judged.
        """
        if request.get("tools") and isinstance(request.get("tool_choice"), dict):
            name = request["tool_choice"].get("function", {}).get("name")
            tools = [tool.get("function", {}) for tool in request["tools"]]
            forced = next((tool for tool in tools if name and tool.get("name") == name), None)
            if forced is None:
                raise ConfigError(f"the request forces the tool {name!r}, which it does not declare")
            expected = cls(tool=name, schema=json.dumps(forced.get("parameters", OBJECT)))
        else:
            declared = _member(_member(request.get("response_format"), "json_schema"), "schema")
            wanted = schema if declared is None else json.dumps(declared)
            expected = cls(tool=None, schema=wanted, in_prose=declared is None and schema is not None)
        if expected.schema is not None:
            _validator(expected.schema)
        return expected


def reply_of(body: bytes, secret: str | None = None) -> Reply:
    """Read a body with status 200 tolerantly; what holds no answer may still have been billed.

    Raises MaybeBilled for what is no reply, and what an error within it means (see `refusal`), with
    `secret` taken out.
    """
    try:
        reply = Reply.model_validate_json(body.removeprefix(BOM_UTF8))
    except ValidationError:
        reply = Reply()
    if not reply.choices:
        raise without_answer(body, secret)
    return reply


def accepted(reply: Reply, expected: Expected, request_bytes: int) -> Completion:
    """Make the completion of a reply that is what the request asked for.

    Raises Refused, CutShort or InvalidReply, whose `body` says what is wrong in the model's words.
    """
    choice = _first(reply)
    finish = choice.finish_reason or ""
    if finish in REFUSED or choice.message.refusal:
        raise Refused("the model declined", body=excerpt(choice.message.refusal or ""))
    if finish in CUT_SHORT:
        raise CutShort("the reply ended at max_tokens")
    text = _text(choice.message, expected)
    if expected.schema is None and finish not in COMPLETE:
        raise InvalidReply(
            "the reply does not say that it is complete", body=f"finish_reason {shown(finish)}"
        )
    prompt_tokens, completion_tokens, estimated = usage_of(reply, request_bytes)
    return Completion(
        id=reply.id or "",
        model=reply.model or "",
        text=text,
        finish_reason=finish,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        usage_estimated=estimated,
    )


def usage_of(reply: Reply, request_bytes: int) -> tuple[int, int, bool]:
    """Count a reply's tokens: prompt, completion, and whether one had to be estimated (bytes / 3)."""
    usage = reply.usage or Usage()
    prompt_tokens, completion_tokens = _count(usage.prompt_tokens), _count(usage.completion_tokens)
    estimated = not (prompt_tokens and completion_tokens)
    if estimated:
        message = _first(reply).message
        sent_back = message.text() + "".join(_arguments(call) for call in message.tool_calls or [])
        prompt_tokens = prompt_tokens or request_bytes // BYTES_PER_TOKEN
        completion_tokens = completion_tokens or len(sent_back.encode()) // BYTES_PER_TOKEN
    return prompt_tokens, completion_tokens, estimated


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _count(tokens: int | None) -> int:
    return tokens if tokens and 0 < tokens <= MOST_TOKENS else 0


def _text(message: Message, expected: Expected) -> str:
    if expected.tool is not None:
        return _valid(_called(message, expected.tool), expected)
    if expected.schema is not None:
        text = message.text()
        return _valid(found(text) if expected.in_prose else text, expected)
    if not message.text().strip():
        raise InvalidReply("the reply is empty")
    if "\0" in message.text():
        raise InvalidReply("the text holds the character U+0000, which databases do not take")
    return message.text()


def _called(message: Message, tool: str) -> str:
    calls = message.tool_calls or []
    names = [call.function.name for call in calls]
    if names != [tool]:
        said = ", ".join(shown(name) for name in names[:MOST_NAMED]) or "none"
        wrong = f"call the tool {tool} exactly once (tools called: {said})"
        raise InvalidReply("the reply is not the one call that was asked for", body=wrong)
    return _arguments(calls[0])


def _arguments(call: ToolCall) -> str:
    arguments = call.function.arguments
    if isinstance(arguments, dict):
        return json.dumps(arguments, ensure_ascii=False)
    return arguments or "{}"  # gateways send "" for a tool without arguments


def _valid(text: str, expected: Expected) -> str:
    """Give the JSON text back where it parses and satisfies the schema, decoded twice at most."""
    assert expected.schema is not None
    schema = _validator(expected.schema)
    try:
        value = parse(text)
        if isinstance(value, str) and problem(schema, value):
            text, value = value, parse(value)
    except ValueError as error:
        raise InvalidReply("the reply is not valid JSON", body=str(error)) from None
    if wrong := problem(schema, value):
        raise InvalidReply("the reply does not satisfy the schema", body=wrong)
    return text


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    try:
        declared = json.loads(schema)
    except ValueError as error:
        raise ConfigError(f"the schema is not JSON: {error}") from None
    return validator(declared)


def _first(reply: Reply) -> Choice:
    assert reply.choices  # reply_of lets none through without
    return reply.choices[0]
