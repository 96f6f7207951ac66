"""The repair: the same request once more, followed by its bad reply and what is wrong with it."""

import json
from typing import Any

from schemas.chat import Message, Reply

LONGEST_QUOTED_BYTES = 16_384
LONGEST_PROBLEM_CHARS = 2_000


def follow_up(reply: Reply, problem: str) -> list[dict[str, Any]]:
    """Make the messages that follow the request: the reply, where it is not too long, and the problem.

    Every tool call is answered under its id; user and assistant take turns.
    """
    wrong = (
        f"That reply is not valid: {problem[:LONGEST_PROBLEM_CHARS]} Answer again, correctly and completely."
    )
    message = reply.choices[0].message if reply.choices else Message()
    calls: list[dict[str, Any]] = [
        {
            "id": call.id or f"call_{number}",
            "type": "function",
            "function": {"name": call.function.name or "", "arguments": _text(call.function.arguments)},
        }
        for number, call in enumerate(message.tool_calls or [])
    ]
    quoted = len(message.text().encode()) + sum(len(call["function"]["arguments"].encode()) for call in calls)
    if quoted > LONGEST_QUOTED_BYTES or not (calls or message.text()):
        return [
            {"role": "assistant", "content": "[a reply that was not valid]"},
            {"role": "user", "content": wrong},
        ]
    if not calls:
        return [{"role": "assistant", "content": message.text()}, {"role": "user", "content": wrong}]
    answer: dict[str, Any] = {"role": "assistant", "content": message.text() or None, "tool_calls": calls}
    return [answer, *({"role": "tool", "tool_call_id": call["id"], "content": wrong} for call in calls)]


def _text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
