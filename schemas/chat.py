"""A server's reply to a chat completion, read tolerantly, and the completion that is kept of it."""

import json
from typing import Annotated, Any

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)


def _or_none(value: Any, usual: ValidatorFunctionWrapHandler) -> Any:
    try:
        return usual(value)
    except ValidationError:
        return None


OrNone = WrapValidator(_or_none)  # for what a reply that was paid for can do without


class Tolerant(BaseModel):
    """The base of what servers send: further fields are ignored."""

    model_config = ConfigDict(extra="ignore")


class FunctionCall(Tolerant):
    """The called tool; some servers send its arguments as an object, not as text."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class ToolCall(Tolerant):
    """One tool call of a reply."""

    id: Annotated[str | None, OrNone] = None
    function: FunctionCall = FunctionCall()

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, said: Any) -> Any:
        """Take name and arguments that stand in the call itself."""
        is_flat = isinstance(said, dict) and "function" not in said and "name" in said
        return {**said, "function": said} if is_flat else said


TEXT_PARTS = (None, "text", "output_text")  # no set: a server may send what cannot be hashed


def text_of(content: Any) -> str:
    """Join a content to one text, whichever form it has; parts that hold no answer are left out."""
    if isinstance(content, dict):
        return json.dumps(content, ensure_ascii=False)
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    if all(isinstance(part, str) for part in content):
        return "".join(content)
    parts = (part for part in content if isinstance(part, dict) and part.get("type") in TEXT_PARTS)
    return "".join(text for part in parts if isinstance(text := part.get("text"), str))


class Message(Tolerant):
    """A reply's message; content may be null, text, an object, or a list of parts or of texts."""

    content: str | list[Any] | dict[str, Any] | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Annotated[FunctionCall | None, OrNone] = None
    refusal: Annotated[str | None, OrNone] = None

    def text(self) -> str:
        """Join the content to one text, without parts that are the model's thinking."""
        return text_of(self.content)


class Choice(Tolerant):
    """One answer of a reply."""

    message: Message = Message()
    finish_reason: str | None = None


class PromptDetails(Tolerant):
    """Of the prompt's tokens those that the server had in its cache, and those that it put there."""

    cached_tokens: Annotated[int | None, OrNone] = None
    cache_creation_tokens: Annotated[int | None, OrNone] = None
    cache_write_tokens: Annotated[int | None, OrNone] = None


class CompletionDetails(Tolerant):
    """Of the completion's tokens those that are the model's thinking."""

    reasoning_tokens: Annotated[int | None, OrNone] = None


class Usage(Tolerant):
    """Tokens that the server counted; None where it did not. Three names of cached ones are in use.

    `cost` is what the server itself books for the reply, in USD.
    """

    prompt_tokens: Annotated[int | None, OrNone] = Field(
        None, validation_alias=AliasChoices("prompt_tokens", "input_tokens")
    )
    completion_tokens: Annotated[int | None, OrNone] = Field(
        None, validation_alias=AliasChoices("completion_tokens", "output_tokens")
    )
    total_tokens: Annotated[int | None, OrNone] = None
    prompt_tokens_details: Annotated[PromptDetails | None, OrNone] = None
    completion_tokens_details: Annotated[CompletionDetails | None, OrNone] = None
    prompt_cache_hit_tokens: Annotated[int | None, OrNone] = None
    cache_read_input_tokens: Annotated[int | None, OrNone] = None
    cache_creation_input_tokens: Annotated[int | None, OrNone] = None
    cost: Annotated[float | None, OrNone] = None


class Reply(Tolerant):
    """What a server sends with status 200."""

    id: Annotated[str | None, OrNone] = None
    model: Annotated[str | None, OrNone] = None
    choices: list[Choice] | None = None
    usage: Annotated[Usage | None, OrNone] = None


class Call(BaseModel):
    """A tool that the model chose to call; `arguments` is JSON text that satisfies the tool's schema."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    arguments: str


class AcceptedChoice(BaseModel):
    """One choice of an accepted reply.

    `text` is its content, or the arguments (JSON text) of the tool that the request forced. `calls`
    are those of a request that left it to the model which of its tools to call.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    calls: tuple[Call, ...] = ()
    finish_reason: str


class Completion(AcceptedChoice):
    """An accepted reply: its first choice, its tokens, and where `n` asked for more the `others`.

    `id` and `model` are the server's words, empty where it gave none. Tokens are those of all choices,
    at an estimate of bytes / 3 where `usage_estimated`; the cached ones are among the prompt's, the
    reasoning ones among the completion's. `repairs` counts the replies before it that were not valid.

    Its JSON is what `complete` returns and what the cache keeps: no field holds anything but text
    and numbers, so nothing of a model's making is ever decoded into an object.

    >>> completion = await docmill.complete(messages=[{"role": "user", "content": "A greeting?"}])
    >>> completion.text, completion.finish_reason, completion.completion_tokens
    ('Good morning.', 'stop', 3)
    """

    id: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    usage_estimated: bool = False
    repairs: int = 0
    others: tuple[AcceptedChoice, ...] = ()

    @property
    def choices(self) -> tuple[AcceptedChoice, ...]:
        """All choices in the server's order: as many as `n` asked for, or as the server gave."""
        return (self, *self.others)
