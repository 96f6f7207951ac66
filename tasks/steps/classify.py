"""The step classify: a text in, exactly one of the declared labels out."""

import json

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.pipeline import Classify
from docmill.schemas.tool import ToolSchema
from docmill.tasks.steps import prompt

KEY = "category"


def request(text: str, options: Classify, target: Target) -> bytes:
    """Build the body that asks for the label; examples are turns before the document."""
    question = _question(options)
    messages = [
        message
        for label, declared in options.labels.items()
        for example in declared.examples
        for message in (
            prompt.turn(example.strip(), question),
            {"role": "assistant", "content": json.dumps({KEY: label}, ensure_ascii=False)},
        )
    ]
    messages.append(prompt.turn(prompt.beginning(text, options.max_input_tokens), question))
    return prompt.body(target, messages, options, max_tokens=64, tool=tool(options))


def tool(options: Classify) -> ToolSchema:
    """Make the tool schema that admits the labels alone."""
    parameters = {
        "type": "object",
        "properties": {KEY: {"type": "string", "enum": list(options.labels)}},
        "required": [KEY],
        "additionalProperties": False,
    }
    return ToolSchema(
        id="classify", name="classify", description="Record the document's category.", parameters=parameters
    )


def read(completion: Completion) -> str:
    """Take the label out of its completion, which was checked against the labels."""
    label: str = json.loads(completion.text)[KEY]
    return label


def _question(options: Classify) -> str:
    described = [
        f"\n- {name}: {label.description}" for name, label in options.labels.items() if label.description
    ]
    return "Which category does the document belong to?" + "".join(described)
