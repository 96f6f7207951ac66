"""The body of a chat completion's request, checked."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
