"""The wire's data: a server's reply, read tolerantly, and the completion that is kept of it."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Tolerant(BaseModel):
    """The base of what servers send: further fields are ignored."""

    model_config = ConfigDict(extra="ignore")


class FunctionCall(Tolerant):
    """The called tool; some servers send its arguments as an object, not as text."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class ToolCall(Tolerant):
    """One tool call of a reply."""

    id: str | None = None
    function: FunctionCall = FunctionCall()


class Message(Tolerant):
    """A reply's message; content may be null, text, or a list of parts."""

    content: str | list[Any] | None = None
    tool_calls: list[ToolCall] | None = None
    refusal: str | None = None

    def text(self) -> str:
        """Join the content to one text."""
        if isinstance(self.content, list):
            parts = [part.get("text") for part in self.content if isinstance(part, dict)]
            return "".join(part for part in parts if isinstance(part, str))
        return self.content or ""


class Choice(Tolerant):
    """One answer of a reply."""

    message: Message = Message()
    finish_reason: str | None = None


class Usage(Tolerant):
    """Tokens that the server counted; None where it did not."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Reply(Tolerant):
    """What a server sends with status 200."""

    id: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: Usage | None = None


class Completion(BaseModel):
    """An accepted reply. `text` is its content, or the arguments of the tool it was made to call.

    Its JSON is what `complete` returns and what the cache keeps: no field holds anything but text
    and numbers, so nothing of a model's making is ever decoded into an object.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    model: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    usage_estimated: bool = False
