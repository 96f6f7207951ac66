"""Examples of a step as turns before the document: each a document, and what should be answered to it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from docmill.schemas.example import Example
from docmill.schemas.steps import StepOptions
from docmill.schemas.tool import ToolSchema
from docmill.tasks.steps import prompt
from docmill.tasks.steps.prompt import Message


def turns(
    examples: Sequence[Example], question: str, options: StepOptions, tool: ToolSchema | None = None
) -> Iterator[Message]:
    """Make two messages of each example: its document with the question, and its answer.

    Of a record that is what `tool` asks for: where a list is asked for apart, the record is without it.
    """
    for each in examples:
        yield prompt.turn(each.document.strip(), question, options)
        yield {"role": "assistant", "content": _said(each, tool)}


def apart(examples: Sequence[Example], text: str) -> tuple[Example, ...]:
    """Leave out the examples with which a text begins: no document is an example for itself."""
    begun = text.strip()
    return tuple(each for each in examples if not begun.startswith(each.document.strip()))


def _said(example: Example, tool: ToolSchema | None) -> str:
    if example.record is None:
        return example.summary or example.answer or ""
    known: Any = tool.parameters.get("properties", {}) if tool else example.record
    record = {name: value for name, value in example.record.items() if name in known}
    return json.dumps(record, ensure_ascii=False)
