"""From a reply to a completion: `stop` proves nothing, the reply must parse and validate."""

from collections.abc import Mapping
from unicodedata import category

from docmill.schemas.chat import AcceptedChoice, Call, Choice, Completion, Message, Reply, ToolCall
from docmill.schemas.errors import CutShort, InvalidReply, MaybeBilled, Refused
from docmill.tasks.chat import finish
from docmill.tasks.chat.errors import excerpt, storable
from docmill.tasks.chat.expected import Expected
from docmill.tasks.chat.judging import valid
from docmill.tasks.chat.spoken import without_thinking
from docmill.tasks.chat.toolcalls import arguments_of, calls_of, distinct
from docmill.tasks.chat.usage import Allowed, tokens_of
from docmill.tasks.checks.faults import shown

MOST_NAMED = 5


def accepted(reply: Reply, expected: Expected, allowed: Allowed) -> Completion:
    """Make the completion of a reply that is what the request asked for.

    Raises Refused, CutShort, InvalidReply, whose `body` says what is wrong in the model's words, or
    MaybeBilled for one that the server itself calls failed.
    """
    first, *others = _answers(reply, expected)
    tokens = tokens_of(reply, allowed)
    return Completion(
        id=storable(reply.id or ""),
        model=storable(reply.model or ""),
        text=first.text,
        calls=first.calls,
        finish_reason=first.finish_reason,
        others=tuple(others),
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.completion,
        cached_tokens=tokens.cached,
        reasoning_tokens=tokens.reasoning,
        usage_estimated=tokens.estimated,
    )


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
    said = choice.finish_reason or ""
    ended = finish.spelled(said)
    _require_end(ended, choice.message)
    calls = _chosen(choice.message, expected)
    text = _plain(choice.message, expected) if calls else _text(choice.message, expected)
    if (calls or expected.schema is None) and ended not in finish.COMPLETE:
        raise InvalidReply("the reply does not say that it is complete", body=f"finish_reason {shown(said)}")
    return AcceptedChoice(text=text, calls=calls, finish_reason=said)


def _require_end(ended: str, message: Message) -> None:
    if ended in finish.REFUSED or message.refusal:
        raise Refused("the model declined", body=excerpt(message.refusal or ""))
    if ended in finish.CUT_SHORT:
        raise CutShort("the reply ended at max_tokens")
    if ended in finish.FAILED:
        raise MaybeBilled("the reply says that it ended with an error")
    if ended in finish.UNUSABLE:
        raise InvalidReply("the reply says that its call is malformed", body=f"finish_reason {shown(ended)}")


def _text(message: Message, expected: Expected) -> str:
    if expected.tool is not None and expected.schema is not None:
        return _called(message, expected.tool, expected.schema)
    if expected.schema is not None:
        return valid(_json(message), expected.schema, spoken=True)
    text = _plain(message, expected)
    if all(char in "`\n" or char.isspace() or category(char) == "Cf" for char in text):
        raise InvalidReply("the reply is empty")
    return text


def _json(message: Message) -> str:
    """Give the text that should be JSON; gateways ask some models for it with a tool, and leave its call."""
    text = without_thinking(message.text())
    calls = message.tool_calls or []
    return arguments_of(calls[0]) if len(calls) == 1 and not text.strip() else text


def _plain(message: Message, expected: Expected) -> str:
    text = without_thinking(message.text())
    if "\0" in text:
        raise InvalidReply("the text holds the character U+0000, which databases do not take")
    if len(text) > expected.longest:
        most = f"it has {len(text):,} characters: write at most {expected.longest:,}"
        raise InvalidReply("the reply is far longer than was asked for", body=most)
    return text


def _chosen(message: Message, expected: Expected) -> tuple[Call, ...]:
    """Give the calls of tools that the model was free to call, each judged by its tool's schema."""
    offered = expected.offered
    calls = calls_of(message, offered, in_content=expected.required) if offered else []
    if expected.required and not calls:
        raise InvalidReply("the reply calls no tool", body=f"call one of {_listed(offered)}")
    once = {(call.id or number, *_key(call)): call for number, call in enumerate(calls)}
    return tuple(_call(call, number, offered) for number, call in enumerate(once.values()))


def _key(call: ToolCall) -> tuple[str | None, str]:
    return call.function.name, arguments_of(call)


def _call(call: ToolCall, number: int, offered: Mapping[str, str]) -> Call:
    name = call.function.name or ""
    if name not in offered:
        wrong = f"there is no tool {shown(name)}: call one of {_listed(offered)}"
        raise InvalidReply("the reply calls a tool that the request does not offer", body=wrong)
    try:
        arguments = valid(arguments_of(call), offered[name])
    except InvalidReply as error:
        error.body = f"arguments of {name}: {error.body}"
        raise
    return Call(id=call.id or f"call_{number}", name=name, arguments=arguments)


def _listed(tools: Mapping[str, str]) -> str:
    return ", ".join(list(tools)[:MOST_NAMED])


def _called(message: Message, tool: str, schema: str) -> str:
    """Give the arguments of the one call of the forced tool, which may stand in the content."""
    calls = distinct(calls_of(message, [tool], in_content=True))
    if not calls and (text := without_thinking(message.text())).strip():
        try:
            return valid(text, schema, spoken=True)
        except InvalidReply:
            calls = []  # the content is prose: the call is what is missing
    names = [call.function.name for call in calls]
    if names != [tool]:
        said = ", ".join(shown(name) for name in names[:MOST_NAMED]) or "none"
        wrong = f"call the tool {tool} exactly once (tools called: {said})"
        raise InvalidReply("the reply is not the one call that was asked for", body=wrong)
    return valid(arguments_of(calls[0]), schema)
