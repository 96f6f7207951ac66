"""The step ask: a free question about a text; with a schema its answer is a validated record."""

from collections.abc import Iterator, Mapping
from typing import Any

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.example import Answer
from docmill.schemas.rule import Rule
from docmill.schemas.steps import Ask, Lists
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.evidence import grounding
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.steps import prompt
from docmill.tasks.steps.examples import turns
from docmill.tasks.steps.kind import InParts, Place, StepKind

FREE_TOKENS = 512


class AskKind(StepKind[Ask]):
    """An answer to the pipeline's own question, kept in `steps` alone, text or a record."""

    def schemas(self, options: Ask) -> Iterator[tuple[Place, str]]:
        """Give the schema of its answer, where it has one."""
        if options.schema_:
            yield ("schema",), options.schema_

    def answers(self, options: Ask, tools: Mapping[str, ToolSchema]) -> list[Any]:
        """List the schema's contents, and the version of the rules of evidence."""
        return (
            [grounding.VERSION, tools[options.schema_].model_dump(exclude={"rules"})]
            if options.schema_
            else []
        )

    def answer(self, options: Ask) -> Answer:
        """Name what an example of it has: a record where it has a schema."""
        return "record" if options.schema_ else "answer"

    def rules(self, options: Ask) -> tuple[Rule, ...]:
        """Give the step's own rules, beside those of the schema's file."""
        return options.rules

    def is_complete(self, options: Ask) -> bool:
        """Say so of records, where the step says so: a question may want some of the rows."""
        return options.schema_ is not None and options.complete == "review"

    def lists(self, options: Ask) -> Lists:
        """Say who reads long lists, as the step does."""
        return options.lists

    def votes(self, options: Ask) -> int:
        """Say how many answers are asked for."""
        return options.votes or 1

    def in_parts(self, options: Ask) -> InParts:
        """Merge records; have one answer made of those in text."""
        return "merged" if options.schema_ else "reduced"

    def of_part(self, options: Ask) -> str:
        """Have a part answer for itself alone."""
        if options.schema_:
            return super().of_part(options)
        return "Answer from this part alone; where it says nothing about it, answer: nothing."

    def of_answers(self, options: Ask) -> str:  # noqa: ARG002
        """Say what the answers are."""
        return (
            "The document consists of answers to this question from the parts of a longer document, in their "
            "order. Give the one answer that follows from them."
        )

    def request(self, text: str, options: Ask, tool: ToolSchema | None, target: Target) -> bytes:
        """Build the body that asks the question of the text."""
        shown = turns(self.examples(options, tool), options.prompt, options, tool)
        messages = [*shown, prompt.question(text, options.prompt, options)]
        max_tokens = prompt.room(tool) if tool else FREE_TOKENS
        return prompt.body(target, messages, options, max_tokens=max_tokens, tool=tool)

    def read(self, completion: Completion, options: Ask) -> str | dict[str, Any]:
        """Take the answer out of its completion: a text, or a record."""
        if options.schema_ is None:
            return completion.text.strip()
        record: dict[str, Any] = parse(completion.text)
        return record


KIND = AskKind()
