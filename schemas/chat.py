"""The wire's data: a request, checked; a server's reply, read tolerantly; the completion kept of it."""

import json
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

Text = Annotated[str, Field(min_length=1)]
ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Bias = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]


class Sent(BaseModel):
    """The base of what is sent: nothing is converted, and fields that are not the page's pass through."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")


class CalledFunction(Sent):
    """The function that an assistant message called, with its arguments as JSON text."""

    name: Text
    arguments: str


class SentCall(Sent):
    """A tool call of an assistant message."""

    id: Text
    type: Literal["function"] = "function"
    function: CalledFunction


class SentMessage(Sent):
    """One message: content is text or a list of parts; only an assistant's calls may stand without."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | Annotated[list[dict[str, Any]], Field(min_length=1)] | None = None
    tool_calls: Annotated[list[SentCall], Field(min_length=1)] | None = None
    tool_call_id: Text | None = None

    @model_validator(mode="after")
    def _whole(self) -> "SentMessage":
        if self.content is None and not (self.role == "assistant" and self.tool_calls):
            raise ValueError("must have content")
        if self.tool_calls and self.role != "assistant":
            raise ValueError("only an assistant's message has tool_calls")
        if (self.tool_call_id is not None) != (self.role == "tool"):
            raise ValueError("a tool's message, and no other, has the tool_call_id that it answers")
        return self


class Function(Sent):
    """A function that the model may call; `parameters` is the JSON Schema of its arguments."""

    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Tool(Sent):
    """A tool of a request."""

    type: Literal["function"]
    function: Function


class ChosenFunction(Sent):
    """The name of the function to call."""

    name: ToolName


class ChosenTool(Sent):
    """The one tool that the model has to call."""

    type: Literal["function"]
    function: ChosenFunction


class ChatRequest(Sent):
    """The body of a request, with every parameter of the endpoint's page and its rules."""

    model: Text
    messages: Annotated[list[SentMessage], Field(min_length=1)]
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    n: Annotated[int, Field(ge=1)] | None = None
    stream: bool | None = None
    stop: Text | Annotated[list[Text], Field(max_length=4)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[str, Bias] | None = None
    user: str | None = None
    tools: Annotated[list[Tool], Field(min_length=1)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ChosenTool | None = None

    @model_validator(mode="after")
    def _answered(self) -> "ChatRequest":
        """Refuse a tool's message that answers no call of the messages before it."""
        called: set[str] = set()
        for index, message in enumerate(self.messages):
            called |= {call.id for call in message.tool_calls or []}
            if message.tool_call_id is not None and message.tool_call_id not in called:
                raise ValueError(
                    f"messages[{index}].tool_call_id: no message before it calls {message.tool_call_id!r}"
                )
        return self

    @model_validator(mode="after")
    def _declared(self) -> "ChatRequest":
        """Refuse a choice among tools that are not there."""
        names = [tool.function.name for tool in self.tools or []]
        if isinstance(self.tool_choice, ChosenTool) and self.tool_choice.function.name not in names:
            raise ValueError(f"tool_choice: no tool is called {self.tool_choice.function.name!r}")
        if self.tool_choice == "required" and not names:
            raise ValueError("tool_choice: 'required' needs tools")
        return self


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
    """Of the prompt's tokens those that the server had in its cache."""

    cached_tokens: Annotated[int | None, OrNone] = None


class CompletionDetails(Tolerant):
    """Of the completion's tokens those that are the model's thinking."""

    reasoning_tokens: Annotated[int | None, OrNone] = None


class Usage(Tolerant):
    """Tokens that the server counted; None where it did not. Three names of cached ones are in use."""

    prompt_tokens: Annotated[int | None, OrNone] = None
    completion_tokens: Annotated[int | None, OrNone] = None
    total_tokens: Annotated[int | None, OrNone] = None
    prompt_tokens_details: Annotated[PromptDetails | None, OrNone] = None
    completion_tokens_details: Annotated[CompletionDetails | None, OrNone] = None
    prompt_cache_hit_tokens: Annotated[int | None, OrNone] = None
    cache_read_input_tokens: Annotated[int | None, OrNone] = None


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
    reasoning ones among the completion's.

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
    others: tuple[AcceptedChoice, ...] = ()

    @property
    def choices(self) -> tuple[AcceptedChoice, ...]:
        """All choices in the server's order: as many as `n` asked for, or as the server gave."""
        return (self, *self.others)
