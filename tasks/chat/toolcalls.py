"""The tool calls of a reply, as models make them and gateways spoil them."""

import json
import re
from collections.abc import Collection, Iterable

from docmill.schemas.chat import FunctionCall, Message, ToolCall
from docmill.tasks.chat.spoken import without_thinking
from docmill.tasks.checks.jsontext import parse

TAGGED = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
FENCE = re.compile(r"\A\s*```\w*[ \t]*\n(.*?)```\s*\Z", re.DOTALL)
NUMBERED = re.compile(r":\d+\Z")  # functions.name:0
SPACE = re.compile(r"\A(?:\w+[.:])+(?=[^\W\d])")  # functions.name, default_api:name
RAW = re.compile(r"\A\s*(?:<\|python_tag\|>|\[TOOL_CALLS\])")  # of Llama's template and Mistral's


def calls_of(message: Message, offered: Collection[str], *, in_content: bool = False) -> list[ToolCall]:
    """Give the calls of a message, each with the name of an offered tool where one is meant.

    A call without a name is one of the only tool. Where there are no others, `function_call` is one,
    and so is one between <tool_call> tags in the content; `in_content` says that a content which is
    an object of name and arguments is one too.
    """
    calls = list(message.tool_calls or [])
    if not calls and message.function_call is not None:
        calls = [ToolCall(function=message.function_call)]
    calls = calls or list(_spoken(without_thinking(message.text()), offered, in_content=in_content))
    return [_named(call, offered) for call in calls]


def arguments_of(call: ToolCall) -> str:
    """Write a call's arguments as JSON text, out of a fence where they stand in one."""
    arguments = call.function.arguments
    if isinstance(arguments, dict):
        return json.dumps(arguments, ensure_ascii=False)
    written = without_thinking(arguments or "")
    fenced = FENCE.match(written)
    return fenced[1].strip() if fenced else written or "{}"  # gateways send "" for a tool without any


def distinct(calls: Iterable[ToolCall]) -> list[ToolCall]:
    """Leave out calls that repeat one before them."""
    return list({(call.function.name, arguments_of(call)): call for call in calls}.values())


def _named(call: ToolCall, offered: Collection[str]) -> ToolCall:
    name = call.function.name or ""
    if not name and len(offered) == 1:
        meant = [*offered]
    else:
        meant = [name] if name in offered else [each for each in offered if _plain(each) == _plain(name)]
    if len(meant) != 1:
        return call
    return call.model_copy(update={"function": call.function.model_copy(update={"name": meant[0]})})


def _plain(name: str) -> str:
    bare = SPACE.sub("", NUMBERED.sub("", name.strip()))
    return bare.casefold().replace("-", "").replace("_", "")


def _spoken(text: str, offered: Collection[str], *, in_content: bool) -> Iterable[ToolCall]:
    tagged = TAGGED.findall(text) if "<tool_call>" in text else []
    for written in tagged or ([RAW.sub("", text)] if in_content else []):
        fenced = FENCE.match(written)
        try:
            said = parse(fenced[1] if fenced else written)
        except ValueError:
            continue
        said = said[0] if isinstance(said, list) and len(said) == 1 else said
        if isinstance(said, dict) and isinstance(said.get("function"), dict):
            said = said["function"]
        if not isinstance(said, dict) or not isinstance(said.get("name"), str):
            continue
        arguments = said.get("arguments", said.get("parameters"))
        if _plain(said["name"]) in map(_plain, offered) and isinstance(arguments, str | dict):
            yield ToolCall(function=FunctionCall(name=said["name"], arguments=arguments))
