"""From the bytes of an answer with status 200 to a reply: strictly read, and bounded before it is built."""

import json
import re
from codecs import BOM_UTF8
from typing import Any

from pydantic import ValidationError

from docmill.schemas.chat import Reply
from docmill.schemas.errors import InvalidReply
from docmill.tasks.chat.errors import redacted, without_answer
from docmill.tasks.checks.jsontext import parse

MOST_VALUES = 1_000_000  # opening brackets and commas; each becomes an object in memory
MOST_CHOICES = 128
MOST_CALLS = 128
MOST_PARTS = 4096
TAIL_CHARS = 64
DONE_BEHIND = re.compile(r"\s*(?:data:\s*)?\[DONE\]\s*\Z")  # gateways end plain replies like streams


def reply_of(body: bytes, secret: str | None = None) -> Reply:
    """Read a body with status 200 tolerantly; what holds no answer may still have been billed.

    Raises MaybeBilled for what is no reply, what an error within it means (see `refusal`) with
    `secret` taken out, and InvalidReply for one that was paid for and cannot be read.
    """
    value = _parsed(body, secret)
    choices = value.get("choices") if isinstance(value, dict) else None
    if not choices or not isinstance(choices, list):
        raise without_answer(body, secret)
    if failed := _failed(value, choices):
        raise without_answer(json.dumps({"error": failed}, ensure_ascii=False).encode(), secret, begun=True)
    _bound(choices)
    try:
        return Reply.model_validate(value)
    except ValidationError:
        raise InvalidReply("the reply's choices are not those of a chat completion") from None


def _parsed(body: bytes, secret: str | None) -> Any:
    content = body.removeprefix(BOM_UTF8)
    bound_values(content)
    try:
        text = content.decode()
        return parse(text[:-TAIL_CHARS] + DONE_BEHIND.sub("", text[-TAIL_CHARS:]), unstored=True)
    except UnicodeDecodeError:
        if not content.lstrip().startswith(b"{"):
            raise without_answer(body, secret) from None
        raise InvalidReply("the reply cannot be read", body="it is not UTF-8") from None
    except json.JSONDecodeError:
        raise without_answer(body, secret) from None
    except ValueError as error:
        raise InvalidReply("the reply cannot be read", body=redacted(f"the reply: {error}", secret)) from None


def _failed(value: dict[str, Any], choices: list[Any]) -> Any:
    """Give the error that stands beside the choices, or in one: what came before it is no answer."""
    inner = (choice.get("error") for choice in choices if isinstance(choice, dict))
    return value.get("error") or next(filter(None, inner), None)


def bound_values(content: bytes) -> None:
    """Raise InvalidReply for a text of more values than any reply has, before they are built."""
    if sum(content.count(mark) for mark in (b"{", b"[", b",")) > MOST_VALUES:
        raise InvalidReply("the reply is too large", body=f"it holds more than {MOST_VALUES:,} values")


def _bound(choices: list[Any]) -> None:
    """Refuse what has too many parts before models are built of them."""
    messages = [choice.get("message") for choice in choices if isinstance(choice, dict)]
    for message in (each for each in messages if isinstance(each, dict)):
        _bound_list(message.get("tool_calls"), MOST_CALLS, "tools called")
        _bound_list(message.get("content"), MOST_PARTS, "parts")
    _bound_list(choices, MOST_CHOICES, "choices")


def _bound_list(value: Any, most: int, named: str) -> None:
    if isinstance(value, list) and len(value) > most:
        raise InvalidReply("the reply has too many parts", body=f"at most {most} {named}")
