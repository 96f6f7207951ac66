"""From a reply's bytes to a completion: `stop` proves nothing, the reply must parse and validate."""

import json
from codecs import BOM_UTF8
from collections.abc import Mapping

from pydantic import ValidationError

from docmill.schemas.chat import AcceptedChoice, Call, Choice, Completion, Message, Reply, ToolCall, Usage
from docmill.schemas.errors import CutShort, InvalidReply, Refused
from docmill.tasks.chat.errors import excerpt, without_answer
from docmill.tasks.chat.expected import Expected, judge_of
from docmill.tasks.checks.faults import problem, shown
from docmill.tasks.checks.jsontext import found, parse

BYTES_PER_TOKEN = 3
MOST_TOKENS = 1_000_000_000  # a count beyond it is none
MOST_NAMED = 5
MOST_CALLS = 128

# Claude's own words beside the protocol's: gateways pass either on.
COMPLETE = {"stop", "end_turn", "stop_sequence", "tool_calls", "tool_use", "function_call"}
CUT_SHORT = {"length", "max_tokens", "model_context_window_exceeded"}
REFUSED = {"content_filter", "refusal"}


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
    first, *others = _answers(reply, expected)
    prompt_tokens, completion_tokens, estimated = usage_of(reply, request_bytes)
    return Completion(
        id=reply.id or "",
        model=reply.model or "",
        text=first.text,
        calls=first.calls,
        finish_reason=first.finish_reason,
        others=tuple(others),
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
        sent_back = "".join(_written(choice.message) for choice in reply.choices or [])
        prompt_tokens = prompt_tokens or request_bytes // BYTES_PER_TOKEN
        completion_tokens = completion_tokens or len(sent_back.encode()) // BYTES_PER_TOKEN
    return prompt_tokens, completion_tokens, estimated


def _count(tokens: int | None) -> int:
    return tokens if tokens and 0 < tokens <= MOST_TOKENS else 0


def _answers(reply: Reply, expected: Expected) -> list[AcceptedChoice]:
    """Judge as many choices as were asked for: one that is not valid makes the reply invalid."""
    answers: list[AcceptedChoice] = []
    for index, choice in enumerate((reply.choices or [])[: expected.choices]):
        try:
            answers.append(_answer(choice, expected))
        except InvalidReply as error:
            error.choice = index
            raise
    return answers


def _answer(choice: Choice, expected: Expected) -> AcceptedChoice:
    finish = choice.finish_reason or ""
    if finish in REFUSED or choice.message.refusal:
        raise Refused("the model declined", body=excerpt(choice.message.refusal or ""))
    if finish in CUT_SHORT:
        raise CutShort("the reply ended at max_tokens")
    calls = _chosen(choice.message, expected)
    text = _plain(choice.message) if calls else _text(choice.message, expected)
    if (calls or expected.schema is None) and finish not in COMPLETE:
        raise InvalidReply(
            "the reply does not say that it is complete", body=f"finish_reason {shown(finish)}"
        )
    return AcceptedChoice(text=text, calls=calls, finish_reason=finish)


def _text(message: Message, expected: Expected) -> str:
    if expected.tool is not None and expected.schema is not None:
        return _valid(_called(message, expected.tool), expected.schema)
    if expected.schema is not None:
        text = message.text()
        return _valid(found(text) if expected.in_prose else text, expected.schema)
    if not message.text().strip():
        raise InvalidReply("the reply is empty")
    return _plain(message)


def _plain(message: Message) -> str:
    if "\0" in message.text():
        raise InvalidReply("the text holds the character U+0000, which databases do not take")
    return message.text()


def _chosen(message: Message, expected: Expected) -> tuple[Call, ...]:
    """Give the calls of tools that the model was free to call, each judged by its tool's schema."""
    calls = (message.tool_calls or []) if expected.offered else []
    if len(calls) > MOST_CALLS:
        raise InvalidReply("the reply calls too many tools", body=f"call at most {MOST_CALLS} tools")
    if expected.required and not calls:
        raise InvalidReply("the reply calls no tool", body=f"call one of {_listed(expected.offered)}")
    return tuple(_call(call, number, expected.offered) for number, call in enumerate(calls))


def _call(call: ToolCall, number: int, offered: Mapping[str, str]) -> Call:
    name = call.function.name or ""
    if name not in offered:
        wrong = f"there is no tool {shown(name)}: call one of {_listed(offered)}"
        raise InvalidReply("the reply calls a tool that the request does not offer", body=wrong)
    try:
        arguments = _valid(_arguments(call), offered[name])
    except InvalidReply as error:
        error.body = f"arguments of {name}: {error.body}"
        raise
    return Call(id=call.id or f"call_{number}", name=name, arguments=arguments)


def _listed(tools: Mapping[str, str]) -> str:
    return ", ".join(list(tools)[:MOST_NAMED])


def _called(message: Message, tool: str) -> str:
    calls = message.tool_calls or []
    names = [call.function.name for call in calls]
    if names != [tool]:
        said = ", ".join(shown(name) for name in names[:MOST_NAMED]) or "none"
        wrong = f"call the tool {tool} exactly once (tools called: {said})"
        raise InvalidReply("the reply is not the one call that was asked for", body=wrong)
    return _arguments(calls[0])


def _written(message: Message) -> str:
    return message.text() + "".join(_arguments(call) for call in message.tool_calls or [])


def _arguments(call: ToolCall) -> str:
    arguments = call.function.arguments
    if isinstance(arguments, dict):
        return json.dumps(arguments, ensure_ascii=False)
    return arguments or "{}"  # gateways send "" for a tool without arguments


def _valid(text: str, schema: str) -> str:
    """Give the JSON text back where it parses and satisfies the schema, decoded twice at most."""
    judge = judge_of(schema)
    try:
        value = parse(text)
        if isinstance(value, str) and problem(judge, value):
            text, value = value, parse(value)
    except ValueError as error:
        raise InvalidReply("the reply is not valid JSON", body=str(error)) from None
    if wrong := problem(judge, value):
        raise InvalidReply("the reply does not satisfy the schema", body=wrong)
    return text
