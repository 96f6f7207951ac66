"""The step extract: a text in, a record out that satisfies a tool schema."""

from typing import Any

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.pipeline import Extract
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.steps import prompt


def request(text: str, schema: ToolSchema, options: Extract, target: Target) -> bytes:
    """Build the body that asks for a record of the text."""
    message = prompt.turn(prompt.beginning(text, options.max_input_tokens), _instruction(schema))
    return prompt.body(target, [message], options, max_tokens=room(schema), tool=schema)


def room(schema: ToolSchema) -> int:
    """Count the tokens that a record of a schema may take where nothing else is said."""
    return 256 + 32 * len(schema.parameters.get("properties", {}))


def read(completion: Completion) -> dict[str, Any]:
    """Take the record out of its completion, which was checked against the schema."""
    record: dict[str, Any] = parse(completion.text)
    return record


def _instruction(schema: ToolSchema) -> str:
    return f"{schema.description.rstrip('.')}. Use only what the document says."
