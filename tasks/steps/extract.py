"""The step extract: a text in, a record out that satisfies a tool schema."""

from collections.abc import Iterator, Mapping
from typing import Any

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.rule import Rule
from docmill.schemas.steps import Extract, Lists
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.evidence import grounding
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.steps import prompt
from docmill.tasks.steps.examples import turns
from docmill.tasks.steps.kind import Place, StepKind


class ExtractKind(StepKind[Extract]):
    """A record of the one tool schema, or of the one that a label chooses; without one it is skipped."""

    fills = "record"
    typed = True

    def chosen_by(self, options: Extract) -> tuple[str, Mapping[str, str]] | None:
        """Name the step of `by`, with the schema of each label."""
        return (options.by, options.schemas) if options.by else None

    def schemas(self, options: Extract) -> Iterator[tuple[Place, str]]:
        """Give its one schema, or those of the labels."""
        if options.schema_ is not None:
            yield ("schema",), options.schema_
        for label, name in options.schemas.items():
            yield ("schemas", label), name

    def answers(self, options: Extract, tools: Mapping[str, ToolSchema]) -> list[Any]:
        """List the schemas' contents, and the version of the rules of evidence."""
        names = dict.fromkeys(name for _, name in self.schemas(options))
        return [grounding.VERSION, *(tools[name].model_dump(exclude={"rules"}) for name in names)]

    def rules(self, options: Extract) -> tuple[Rule, ...]:
        """Give the step's own rules, beside those of the schema's file."""
        return options.rules

    def is_complete(self, options: Extract) -> bool:
        """Say so, unless the step says off."""
        return options.complete == "review"

    def lists(self, options: Extract) -> Lists:
        """Say who reads long lists, as the step does."""
        return options.lists

    def votes(self, options: Extract) -> int:
        """Say how many answers are asked for."""
        return options.votes or 1

    def request(self, text: str, options: Extract, tool: ToolSchema | None, target: Target) -> bytes:
        """Build the body that asks for a record of the text."""
        assert tool is not None  # a step without a schema is skipped
        question = _instruction(tool)
        shown = turns(self.examples(options, tool), question, options, tool)
        messages = [*shown, prompt.question(text, question, options)]
        return prompt.body(target, messages, options, max_tokens=prompt.room(tool), tool=tool)

    def read(self, completion: Completion, options: Extract) -> dict[str, Any]:  # noqa: ARG002
        """Take the record out of its completion."""
        record: dict[str, Any] = parse(completion.text)
        return record


KIND = ExtractKind()


def _instruction(schema: ToolSchema) -> str:
    return f"{schema.description.rstrip('.')}. Use only what the document says."
