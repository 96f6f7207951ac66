"""What a kind of step decides: its module has one object, `KIND`, in which all of that stands.

To add a kind: a module here, named as the kind, and its options in the union of `schemas.steps`.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, cast

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.example import Answer, Example
from docmill.schemas.rule import Rule
from docmill.schemas.steps import AnyKind, Lists, StepOptions
from docmill.schemas.tool import ToolSchema

Options = TypeVar("Options", bound=StepOptions)
Place = tuple[str | int, ...]
# reduced: asked for one answer out of theirs, merged: by the schema, first: of the first parts the most.
InParts = Literal["reduced", "merged", "first"]


class StepKind(Generic[Options]):
    """A kind of step: pure functions of its options, the same for every step of the kind.

    `fills` is the column of an outcome that holds what its last step put out; None keeps it in `steps`
    alone. `typed` says that its records have a table each.
    """

    fills: Literal["summary", "label", "record"] | None = None
    typed = False

    def labels(self, options: Options) -> Collection[str] | None:  # noqa: ARG002
        """List the labels of which it chooses one; None where it chooses none."""
        return None

    def chosen_by(self, options: Options) -> tuple[str, Mapping[str, str]] | None:  # noqa: ARG002
        """Name the step whose label chooses its tool schema, with the schema of each label."""
        return None

    def schemas(self, options: Options) -> Iterator[tuple[Place, str]]:  # noqa: ARG002
        """Give the tool schemas that it may use, as declared, each with its place in the options."""
        yield from ()

    def schema(self, options: Options, label: Any) -> str | None:
        """Choose the tool schema, as declared: its one, or that of the label of `chosen_by`."""
        if chosen := self.chosen_by(options):
            return chosen[1].get(label)
        return next((name for _, name in self.schemas(options)), None)

    def tool(self, options: Options, schema: ToolSchema | None) -> ToolSchema | None:  # noqa: ARG002
        """Give the tool that its answer satisfies; None for free text."""
        return schema

    def longest(self, options: Options) -> int | None:  # noqa: ARG002
        """Say how many characters its free text may have; None leaves it to max_tokens."""
        return None

    def answers(self, options: Options, tools: Mapping[str, ToolSchema]) -> list[Any]:  # noqa: ARG002
        """List what its answer must satisfy, beside its options: part of the step's sha256."""
        return []

    def answer(self, options: Options) -> Answer:  # noqa: ARG002
        """Name what an example of it has beside its document."""
        return self.fills or "answer"

    def examples(self, options: Options, tool: ToolSchema | None) -> tuple[Example, ...]:
        """Give the examples of its answer; of records those of the tool that is asked for."""
        if isinstance(options.examples, str):  # of files that nobody has read
            return ()
        if tool is None or self.chosen_by(options) is None:
            return options.examples
        return tuple(each for each in options.examples if _stem(self.schema(options, each.label)) == tool.id)

    def rules(self, options: Options) -> tuple[Rule, ...]:  # noqa: ARG002
        """Give the rules that its record has to keep, beside those of the schema's file."""
        return ()

    def is_complete(self, options: Options) -> bool:  # noqa: ARG002
        """Say whether its records have to have an item for each row that the document lists."""
        return False

    def lists(self, options: Options) -> Lists:  # noqa: ARG002
        """Say who reads the rows of long lists: model where its requests are never divided."""
        return "model"

    def votes(self, options: Options) -> int:  # noqa: ARG002
        """Say how many answers are asked for; what they differ on is in review."""
        return 1

    def in_parts(self, options: Options) -> InParts:  # noqa: ARG002
        """Say what becomes of the answers to the parts of a long text."""
        return "merged"

    def first_parts(self, options: Options) -> int:  # noqa: ARG002
        """Say how many parts are asked where the first decide."""
        return 1

    def of_part(self, options: Options) -> str:  # noqa: ARG002
        """Say in a part's request what is wanted of a part."""
        return "Leave out what this part does not say."

    def of_answers(self, options: Options) -> str:  # noqa: ARG002
        """Say what a request shows that asks for one answer out of those of the parts."""
        return ""

    def request(self, text: str, options: Options, tool: ToolSchema | None, target: Target) -> bytes:
        """Build the canonical body that asks it of a text."""
        raise NotImplementedError

    def read(self, completion: Completion, options: Options) -> Any:  # noqa: ARG002
        """Take the answer out of its completion, which was checked against the tool."""
        return completion.text.strip()


def _stem(schema: str | None) -> str | None:
    """Give the id of a tool schema as declared."""
    return schema and Path(schema).stem


@cache
def kind(name: AnyKind) -> StepKind[Any]:
    """Find a kind by its name."""
    return cast("StepKind[Any]", import_module(f"docmill.tasks.steps.{name}").KIND)
