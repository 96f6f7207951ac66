"""A streamed reply, put together from its chunks into what the server would have sent at once."""

import json
from typing import Any

from docmill.schemas.errors import MaybeBilled
from docmill.tasks.chat.sse import EventReader, TooLarge

DONE = "[DONE]"
LARGEST_STREAM_BYTES = 64 * 1024 * 1024
MOST_CHOICES = 128
Chunk = dict[str, Any]


class StreamedReply:
    """Takes a stream's bytes in; `body` is the whole reply's JSON, or the error's that it ended with.

    Raises MaybeBilled for what is no such stream, and for one that ends without a finish_reason:
    `[DONE]` proves nothing, as gateways send it after a failure too.
    """

    def __init__(self) -> None:
        self.ended = False
        self._events = EventReader()
        self._bytes = 0
        self._error: str | None = None
        self._head: Chunk = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Any = None

    def feed(self, part: bytes) -> list[str]:
        """Take bytes in; gives the texts that they add to the first choice."""
        self._bytes += len(part)
        if self._bytes > LARGEST_STREAM_BYTES:
            raise MaybeBilled(f"the stream is larger than {LARGEST_STREAM_BYTES:,} bytes")
        texts: list[str] = []
        try:
            for data in self._events.feed(part):
                texts += self._event(data)
        except TooLarge:
            raise MaybeBilled("an event of the stream is too large") from None
        return texts

    @property
    def broke_off(self) -> bool:
        """Whether an error ended it after a choice had begun, which may have been billed."""
        return self._error is not None and bool(self._choices)

    def body(self) -> bytes:
        """Give the reply's JSON, as a plain reply's bytes, when the stream has ended."""
        for data in () if self.ended else self._events.end():
            self._event(data)
        if self._error is not None:
            return self._error.encode()
        unfinished = [choice for choice in self._choices.values() if not choice.finish_reason]
        if unfinished or not self._choices:
            raise MaybeBilled("the stream ended before the reply did: it gives no finish_reason")
        choices = [self._choices[index].whole(index) for index in sorted(self._choices)]
        usage = {} if self._usage is None else {"usage": self._usage}
        return json.dumps({**self._head, "choices": choices, **usage}).encode()

    def _event(self, data: str) -> list[str]:
        if self.ended or not data.strip():
            return []
        if data.strip() == DONE:
            self.ended = True
            return []
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            raise MaybeBilled("a chunk of the stream is not JSON") from None
        if not isinstance(chunk, dict):
            raise MaybeBilled("a chunk of the stream is no object")
        if chunk.get("error"):
            self._error, self.ended = data, True
            return []
        self._head = {**{name: chunk[name] for name in ("id", "model") if chunk.get(name)}, **self._head}
        self._usage = chunk.get("usage") or self._usage
        return [text for choice in _dicts(chunk.get("choices")) for text in self._add(choice)]

    def _add(self, delta: Chunk) -> list[str]:
        index = delta.get("index")
        index = index if isinstance(index, int) and 0 <= index < MOST_CHOICES else 0
        choice = self._choices.setdefault(index, _Choice())
        text = choice.add(delta)
        return [text] if text and index == 0 else []


class _Choice:
    """One choice as its deltas come."""

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self._content: list[str] = []
        self._refusal: list[str] = []
        self._calls: list[_Call] = []

    def add(self, choice: Chunk) -> str:
        """Take a delta in; gives the text that it adds."""
        finish = choice.get("finish_reason")
        if finish and isinstance(finish, str):  # one-api sends "" with every chunk
            self.finish_reason = finish
        # A gateway that does not stream sends the whole message in one chunk.
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, dict):
            return ""
        text = _text(delta.get("content"))
        self._content.append(text)
        self._refusal.append(_text(delta.get("refusal")))
        for call in _dicts(delta.get("tool_calls")):
            self._call(call).add(call)
        return text

    def whole(self, index: int) -> Chunk:
        """Give the choice as a plain reply has it."""
        message: Chunk = {"role": "assistant", "content": "".join(self._content)}
        if refusal := "".join(self._refusal):
            message["refusal"] = refusal
        if self._calls:
            message["tool_calls"] = [call.whole() for call in self._calls]
        return {"index": index, "message": message, "finish_reason": self.finish_reason}

    def _call(self, delta: Chunk) -> "_Call":
        """Find the call that a delta goes on with: a new id begins one, whatever its index says."""
        id_, index = delta.get("id"), delta.get("index")
        if id_:
            going_on = [call for call in self._calls if call.id == id_]
        else:
            going_on = [call for call in self._calls if index is not None and call.index == index]
            going_on = going_on or self._calls
        if not going_on:
            going_on = [_Call(id_, index)]
            self._calls += going_on
        return going_on[-1]


class _Call:
    """One tool call as its deltas come."""

    def __init__(self, id_: Any, index: Any) -> None:
        self.id = id_ if isinstance(id_, str) else None
        self.index = index
        self._name = ""
        self._arguments: list[str] = []
        self._object: Any = None

    def add(self, delta: Chunk) -> None:
        """Take a delta in."""
        function = delta.get("function")
        if not isinstance(function, dict):
            return
        name = function.get("name")
        self._name = self._name or (name if isinstance(name, str) else "")
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            self._arguments.append(arguments)
        elif arguments is not None:
            self._object = arguments

    def whole(self) -> Chunk:
        """Give the call as a plain reply has it."""
        text = "".join(self._arguments)
        arguments = text if text or self._object is None else self._object
        return {
            "id": self.id,
            "type": "function",
            "function": {"name": self._name or None, "arguments": arguments},
        }


def _dicts(value: Any) -> list[Chunk]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in _dicts(content))
    return content if isinstance(content, str) else ""
