"""The step ask: a free question about a text; with a schema its answer is a validated record."""

from typing import Any

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.pipeline import Ask
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.steps import prompt
from docmill.tasks.steps.extract import room

FREE_TOKENS = 512


def request(text: str, schema: ToolSchema | None, options: Ask, target: Target) -> bytes:
    """Build the body that asks the question of the text."""
    message = prompt.turn(prompt.beginning(text, options.max_input_tokens), options.prompt)
    max_tokens = room(schema) if schema else FREE_TOKENS
    return prompt.body(target, [message], options, max_tokens=max_tokens, tool=schema)


def read(completion: Completion, options: Ask) -> str | dict[str, Any]:
    """Take the answer out of its completion: a text, or a record that was checked against the schema."""
    if options.schema_ is None:
        return completion.text.strip()
    record: dict[str, Any] = parse(completion.text)
    return record
