"""The steps of a pipeline as functions of a text: each is one task run, cached, retried and checked."""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict, TypeVar, Unpack

from docmill.flows.api.completing import asked, canonical, session_of
from docmill.flows.api.declaring import declared
from docmill.schemas.chat import Completion
from docmill.schemas.errors import ConfigError
from docmill.schemas.steps import Ask, Classify, Kind, StepOptions, Summarize
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.request import parameter_faults, require_room
from docmill.tasks.steps.ask import KIND as ASK
from docmill.tasks.steps.classify import KIND as CLASSIFY
from docmill.tasks.steps.kind import kind
from docmill.tasks.steps.prompt import unsent_schema
from docmill.tasks.steps.summarize import KIND as SUMMARIZE

Options = TypeVar("Options", bound=StepOptions)


class Further(TypedDict, total=False):
    """What every step takes, as in a pipeline.

    `max_tokens` limits the reply; `max_input_tokens` lets the step read only the first tokens of its
    text (bytes / 3); `instructions` are words of your own that follow the step's; `params` are further
    parameters of the request, such as `{"temperature": 0.2}`.
    """

    max_tokens: int | None
    max_input_tokens: int | None
    instructions: str | None
    params: Mapping[str, Any]


async def summarize(
    text: str,
    max_words: int = 60,
    *,
    sentences: int | None = None,
    step: str = "summarize",
    document: str | None = None,
    **further: Unpack[Further],
) -> str:
    """Summarize a text in plain text.

    Args:
        text: The document, which is data to the model: instructions within it are none.
        max_words: How long the summary may be, 1 to 2000 words; the model is asked, not cut.
        sentences: So many sentences instead, 1 to 50.
        step: Names the task run, with `document`.
        document: What the text is called; by default the beginning of the request's sha256.
        further: `max_tokens`, `max_input_tokens`, `instructions` and `params`, as in a pipeline.

    Raises ConfigError outside of a flow run and for wrong options, Unreadable where the text is longer
    than the endpoint's context (nothing was sent), and a ChatError where no completion came about.

    >>> await docmill.summarize("Your bill of 318.40 EUR is due.", max_words=8)
    'A bill of 318.40 EUR.'

    """
    options = declared(Summarize, "summarize", {"max_words": max_words, "sentences": sentences, **further})
    summary: str = SUMMARIZE.read(await answered("summarize", text, options, step, document), options)
    return summary


async def classify(
    text: str,
    labels: Iterable[str] | Mapping[str, str | Mapping[str, Any] | None],
    *,
    step: str = "classify",
    document: str | None = None,
    **further: Unpack[Further],
) -> str:
    """Choose exactly one of the labels for a text.

    Args:
        text: The document, which is data to the model.
        labels: At least two names; or each name with what it means, or with a mapping of
            `description` and `examples` (texts that carry the label), as in a pipeline.
        step: Names the task run, with `document`.
        document: What the text is called; by default the beginning of the request's sha256.
        further: `max_tokens`, `max_input_tokens`, `instructions` and `params`, as in a pipeline.

    Raises what `summarize` raises, and InvalidReply where the model gave no label of these.

    >>> labels = {"invoice": "a request for payment", "other": {"examples": ["We have moved."]}}
    >>> await docmill.classify("Your bill of 318.40 EUR is due.", labels)
    'invoice'

    """
    named = dict(labels) if isinstance(labels, Mapping) else dict.fromkeys(labels)
    options = declared(Classify, "classify", {"labels": named, **further})
    label: str = CLASSIFY.read(await answered("classify", text, options, step, document), options)
    return label


async def ask(
    text: str,
    prompt: str,
    *,
    step: str = "ask",
    document: str | None = None,
    **further: Unpack[Further],
) -> str:
    """Answer a question about a text, in plain text.

    Args:
        text: The document, which is data to the model.
        prompt: The question, which follows the text in the request.
        step: Names the task run, with `document`.
        document: What the text is called; by default the beginning of the request's sha256.
        further: `max_tokens` (512 by default), `max_input_tokens`, `instructions` and `params`, as in a
            pipeline.

    Raises what `summarize` raises.

    >>> await docmill.ask("Your bill of 318.40 EUR is due.", "What has to be paid?")
    '318.40 EUR.'

    """
    options = declared(Ask, "ask", {"prompt": prompt, **further})
    return str(ASK.read(await answered("ask", text, options, step, document), options))


async def answered(
    function: Kind,
    text: str,
    options: StepOptions,
    step: str,
    document: str | None,
    schema: ToolSchema | None = None,
) -> Completion:
    """Get the completion of a step of a text."""
    session = session_of(function)
    if not isinstance(text, str):
        raise ConfigError(f"docmill.{function}(): the text must be a str, not {type(text).__name__}")
    if wrong := parameter_faults(options.params):
        raise ConfigError("\n".join(f"params.{'.'.join(map(str, at))}: {fault}" for at, fault in wrong))
    acts = kind(function)
    tool = acts.tool(options, schema)
    with canonical():
        body = acts.request(text, options, tool, session.target)
    require_room(body, session.target.endpoint)
    unsent, longest = unsent_schema(session.target, tool), acts.longest(options)
    return await asked(session, body, step=step, document=document, schema=unsent, longest=longest)
