"""The step classify: a text in, exactly one of the declared labels out."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.steps import Classify
from docmill.schemas.tool import ToolSchema
from docmill.tasks.steps import prompt
from docmill.tasks.steps.kind import InParts, StepKind

KEY = "category"
MAX_TOKENS = 64


class ClassifyKind(StepKind[Classify]):
    """One of the labels."""

    fills = "label"

    def labels(self, options: Classify) -> Collection[str]:
        """List the declared labels."""
        return options.labels

    def tool(self, options: Classify, schema: ToolSchema | None) -> ToolSchema:  # noqa: ARG002
        """Make the tool that admits the labels alone."""
        parameters = {
            "type": "object",
            "properties": {KEY: {"type": "string", "enum": list(options.labels)}},
            "required": [KEY],
            "additionalProperties": False,
        }
        said = "Record the document's category."
        return ToolSchema(id="classify", name="classify", description=said, parameters=parameters)

    def answers(self, options: Classify, tools: Mapping[str, ToolSchema]) -> list[Any]:  # noqa: ARG002
        """List the labels in their order, which the options' hash does not tell."""
        return list(options.labels)

    def votes(self, options: Classify) -> int:
        """Say how many answers are asked for."""
        return options.votes or 1

    def in_parts(self, options: Classify) -> InParts:  # noqa: ARG002
        """Have the first parts decide."""
        return "first"

    def first_parts(self, options: Classify) -> int:
        """Ask as many as the step says."""
        return options.parts

    def of_part(self, options: Classify) -> str:  # noqa: ARG002
        """Have a part tell what the whole is."""
        return "Choose the category of the whole."

    def request(self, text: str, options: Classify, tool: ToolSchema | None, target: Target) -> bytes:
        """Build the body that asks for the label; examples are turns before the document."""
        question = _question(options)
        shown = [
            *((example, label) for label, said in options.labels.items() for example in said.examples),
            *((each.document, each.label) for each in self.examples(options, None)),
        ]
        messages = [
            message
            for example, label in shown
            for message in (
                prompt.turn(example.strip(), question, options),
                {"role": "assistant", "content": json.dumps({KEY: label}, ensure_ascii=False)},
            )
        ]
        messages.append(prompt.question(text, question, options))
        return prompt.body(target, messages, options, max_tokens=MAX_TOKENS, tool=tool)

    def read(self, completion: Completion, options: Classify) -> str:  # noqa: ARG002
        """Take the label out of its completion."""
        label: str = json.loads(completion.text)[KEY]
        return label


KIND = ClassifyKind()


def _question(options: Classify) -> str:
    described = [
        f"\n- {name}: {label.description}" for name, label in options.labels.items() if label.description
    ]
    return "Which category does the document belong to?" + "".join(described)
