"""The requests for the parts of a long text, and for what is made of their answers."""

import json
from typing import Any

from docmill.schemas.endpoint import Target
from docmill.schemas.errors import Unreadable
from docmill.schemas.steps import StepOptions
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.request import BYTES_PER_TOKEN, most_bytes
from docmill.tasks.steps.kind import StepKind
from docmill.tasks.steps.prompt import harmless

LEAST_BYTES = 300  # of a part: with less room nothing can be read
SEPARATOR = "\n\n"
PART = "The document is a part of a longer one."


def size(text: str) -> int:
    """Count the bytes that a text has in a request."""
    return len(harmless(text).encode(errors="replace"))


def whole_options(options: StepOptions) -> StepOptions:
    """Give a step's options for a text that is read as a whole."""
    return options.model_copy(update={"max_input_tokens": None})


def part_options(acts: StepKind[Any], options: StepOptions) -> StepOptions:
    """Give a step's options for one part: its request says that it is one."""
    return _with_note(options, f"{PART} {acts.of_part(options)}".strip())


def together_options(acts: StepKind[Any], options: StepOptions) -> StepOptions:
    """Give a step's options for what its parts have answered."""
    return _with_note(options, acts.of_answers(options))


def room(
    acts: StepKind[Any], options: StepOptions, tool: ToolSchema | None, target: Target, limit: int | None
) -> int:
    """Count the bytes of text that one request takes beside what else it holds.

    `limit` is the step's own, in tokens. Raises Unreadable where the endpoint's context has no room for text.
    """
    empty = json.loads(acts.request("", whole_options(options), tool, target))
    most = most_bytes(empty, target.endpoint)
    if limit is not None:
        most = min(most, limit * BYTES_PER_TOKEN)
    if most < LEAST_BYTES:
        raise Unreadable(
            f"too long, and a part of it has no room: the endpoint takes {target.endpoint.context_tokens:,} "
            "tokens with the reply. Use a model with a larger context, or a larger max_input_tokens"
        )
    return most


def _with_note(options: StepOptions, note: str) -> StepOptions:
    said = f"{note} {options.instructions}" if options.instructions else note
    changed: dict[str, Any] = {"instructions": said, "max_input_tokens": None}
    if hasattr(options, "rules"):  # they hold of the whole
        changed["rules"] = ()
    return options.model_copy(update=changed)
