"""The kinds of steps as the API uses them: a text's request, and what its completion says."""

from typing import Any

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.pipeline import Ask, Classify, Extract, StepOptions, Summarize
from docmill.schemas.tool import ToolSchema
from docmill.tasks.steps import ask, classify, extract, summarize


def request(text: str, options: StepOptions, tool: ToolSchema | None, target: Target) -> bytes:
    """Build the body that asks it of a text."""
    match options:
        case Summarize():
            return summarize.request(text, options, target)
        case Classify():
            return classify.request(text, options, target)
        case Extract() if tool is not None:
            return extract.request(text, tool, options, target)
        case Ask():
            return ask.request(text, tool, options, target)
    raise AssertionError(options)


def tool_of(options: StepOptions, schema: ToolSchema | None) -> ToolSchema | None:
    """Give the tool schema that the answer satisfies; None for free text."""
    return classify.tool(options) if isinstance(options, Classify) else schema


def read(completion: Completion, options: StepOptions) -> Any:
    """Take the answer out of its completion."""
    match options:
        case Summarize():
            return summarize.read(completion)
        case Classify():
            return classify.read(completion)
        case Extract():
            return extract.read(completion)
        case Ask():
            return ask.read(completion, options)
    raise AssertionError(options)
