"""A streamed reply, put together from its chunks into what the server would have sent at once."""

import json
from typing import Any

import rfc8785

from docmill.schemas.chat import text_of
from docmill.schemas.errors import InvalidReply, MaybeBilled
from docmill.tasks.chat.envelope import MOST_CALLS, MOST_CHOICES, bound_values
from docmill.tasks.chat.sse import EventReader, TooLarge
from docmill.tasks.checks.request import parsed

DONE = "[DONE]"
LARGEST_STREAM_BYTES = 64 * 1024 * 1024
Chunk = dict[str, Any]


class StreamedReply:
    """Takes a stream's bytes in; `body` is the whole reply's JSON, or the error's that it ended with.

    Raises MaybeBilled for what is no such stream, and for one that ends without a finish_reason: `[DONE]`
    proves nothing, as gateways send it after a failure too. Raises InvalidReply for too many parts.
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
        bound_values(data.encode())
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            raise MaybeBilled("a chunk of the stream is not JSON") from None
        if not isinstance(chunk, dict):
            raise MaybeBilled("a chunk of the stream is no object")
        failed = [error for choice in _dicts(chunk.get("choices")) if (error := choice.get("error"))]
        if chunk.get("error") or failed:
            self._error = data if chunk.get("error") else json.dumps({"error": failed[0]})
            self.ended = True
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
        self._function: _Call | None = None
        self._calls: list[_Call] = []
        self._by_id: dict[str, _Call] = {}
        self._by_index: dict[int, _Call] = {}

    def add(self, choice: Chunk) -> str:
        """Take a delta in; gives the text that it adds."""
        finish = choice.get("finish_reason")
        if finish and isinstance(finish, str):  # one-api sends "" with every chunk
            self.finish_reason = finish
        # A gateway that does not stream sends the whole message in one chunk.
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, dict):
            return ""
        text = text_of(delta.get("content"))
        self._content.append(text)
        self._refusal.append(text_of(delta.get("refusal")))
        for call in _dicts(delta.get("tool_calls")):
            self._call(call).add(call)
        if isinstance(delta.get("function_call"), dict):
            self._function = self._function or _Call(None)
            self._function.add({"function": delta["function_call"]})
        return text

    def whole(self, index: int) -> Chunk:
        """Give the choice as a plain reply has it."""
        message: Chunk = {"role": "assistant", "content": "".join(self._content)}
        if refusal := "".join(self._refusal):
            message["refusal"] = refusal
        if self._calls:
            message["tool_calls"] = [call.whole() for call in self._calls]
        elif self._function:
            message["function_call"] = self._function.whole()["function"]
        return {"index": index, "message": message, "finish_reason": self.finish_reason}

    def _call(self, delta: Chunk) -> "_Call":
        """Find the call that a delta goes on with: a new id with a name begins one, whatever its index."""
        id_, index = delta.get("id"), delta.get("index")
        id_ = id_ if id_ and isinstance(id_, str) else None
        index = index if isinstance(index, int) else None
        call = self._by_id.get(id_) if id_ else None
        if call is None and not (id_ and _named(delta)):
            # Some gateways give each delta an id of its own.
            call = self._by_index.get(index) if index is not None else None
            another = index is not None and (id_ or _named(delta))
            if call is None and self._calls and not another:
                call = self._calls[-1]
        if call is None:
            call = self._begun(id_)
        if id_:
            self._by_id[id_] = call
        if index is not None:
            self._by_index[index] = call
        return call

    def _begun(self, id_: str | None) -> "_Call":
        if len(self._calls) == MOST_CALLS:
            raise InvalidReply("the reply has too many parts", body=f"at most {MOST_CALLS} tools called")
        self._calls.append(_Call(id_))
        return self._calls[-1]


class _Call:
    """One tool call as its deltas come."""

    def __init__(self, id_: str | None) -> None:
        self.id = id_
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


def _named(delta: Chunk) -> bool:
    function = delta.get("function")
    return isinstance(function, dict) and bool(function.get("name"))


def streamed(body: bytes) -> bytes:
    """Write a request so that its reply is streamed, with the usage at its end."""
    return rfc8785.dumps({**parsed(body), "stream": True, "stream_options": {"include_usage": True}})


def asks_for_stream(body: bytes) -> bool:
    """Say whether a canonical body asks for a stream by itself."""
    return b'"stream":true' in body and parsed(body).get("stream") is True
