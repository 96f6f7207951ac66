"""What a kind of step decides: its module has one object, `KIND`, in which all of that stands.

To add a kind: a module here, named as the kind, and its options in the union of `schemas.steps`.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Generic, Literal, TypeVar, cast

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.rule import Rule
from docmill.schemas.steps import Kind, Lists, StepOptions
from docmill.schemas.tool import ToolSchema

Options = TypeVar("Options", bound=StepOptions)
Place = tuple[str | int, ...]


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

    def rules(self, options: Options) -> tuple[Rule, ...]:  # noqa: ARG002
        """Give the rules that its record has to keep, beside those of the schema's file."""
        return ()

    def is_complete(self, options: Options) -> bool:  # noqa: ARG002
        """Say whether its records have to have an item for each row that the document lists."""
        return False

    def lists(self, options: Options) -> Lists:  # noqa: ARG002
        """Say who reads the rows of long lists: model where its requests are never divided."""
        return "model"

    def request(self, text: str, options: Options, tool: ToolSchema | None, target: Target) -> bytes:
        """Build the canonical body that asks it of a text."""
        raise NotImplementedError

    def read(self, completion: Completion, options: Options) -> Any:  # noqa: ARG002
        """Take the answer out of its completion, which was checked against the tool."""
        return completion.text.strip()


@cache
def kind(name: Kind) -> StepKind[Any]:
    """Find a kind by its name."""
    return cast("StepKind[Any]", import_module(f"docmill.tasks.steps.{name}").KIND)
