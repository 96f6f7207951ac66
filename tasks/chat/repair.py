"""The repair: the same request once more, followed by its bad reply and what is wrong with it."""

import json
import re
from typing import Any

from docmill.schemas.chat import Message, Reply, ToolCall
from docmill.tasks.checks.request import LONGEST_QUOTED_BYTES

LONGEST_READ_CHARS = 32_768  # more than is kept: no key is cut in two where that ends
MOST_QUOTED_CALLS = 16  # each is answered with the whole problem
LONGEST_PROBLEM_CHARS = 2_000
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # servers refuse a request with another tool's name in it


def follow_up(reply: Reply, problem: str, choice: int = 0) -> list[dict[str, Any]]:
    """Make the messages that follow the request: the reply, where it is not too long, and the problem.

    Of several choices the bad one is quoted. Every tool call is answered under its id; user and
    assistant take turns.
    """
    wrong = (
        f"That reply is not valid: {problem[:LONGEST_PROBLEM_CHARS]} Answer again, correctly and completely."
    )
    message = reply.choices[choice].message if reply.choices else Message()
    calls = [_quoted(call, number) for number, call in enumerate(message.tool_calls or [])]
    if not _quotable(message.text(), calls):
        return [
            {"role": "assistant", "content": "[a reply that was not valid]"},
            {"role": "user", "content": wrong},
        ]
    if not calls:
        return [{"role": "assistant", "content": message.text()}, {"role": "user", "content": wrong}]
    answer: dict[str, Any] = {"role": "assistant", "content": message.text() or None, "tool_calls": calls}
    return [answer, *({"role": "tool", "tool_call_id": call["id"], "content": wrong} for call in calls)]


def as_it_came(reply: Reply, choice: int) -> str:
    """Give what a reply said, for a person to read: its text, and the arguments of its calls."""
    message = reply.choices[choice].message if reply.choices else Message()
    calls = [_quoted(call, number)["function"] for number, call in enumerate(message.tool_calls or [])]
    said = [message.text(), *(f"{call['name']}: {call['arguments']}" for call in calls)]
    return "\n".join(part[:LONGEST_READ_CHARS] for part in said if part)[:LONGEST_READ_CHARS]


def _quoted(call: ToolCall, number: int) -> dict[str, Any]:
    arguments = call.function.arguments or {}
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    function = {"name": call.function.name or "", "arguments": text}
    return {"id": call.id or f"call_{number}", "type": "function", "function": function}


def _quotable(text: str, calls: list[dict[str, Any]]) -> bool:
    """Say whether a server would take the reply back, and whether it is worth its tokens."""
    written = [text, *(part for call in calls for part in (call["id"], call["function"]["arguments"]))]
    return (
        bool(calls or text.strip())
        and len({call["id"] for call in calls}) == len(calls) <= MOST_QUOTED_CALLS
        and sum(len(part.encode()) for part in written) <= LONGEST_QUOTED_BYTES
        and all(NAME.fullmatch(call["function"]["name"]) for call in calls)
    )
