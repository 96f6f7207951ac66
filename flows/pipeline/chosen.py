"""Which tool schema a step's record satisfies, once the labels before it are known."""

from collections.abc import Mapping
from typing import Any

from docmill.schemas.rule import Rule
from docmill.schemas.steps import StepOptions
from docmill.schemas.tool import ToolSchema
from docmill.tasks.steps.kind import StepKind


def chosen_schema(acts: StepKind[Any], options: StepOptions, outputs: Mapping[str, Any]) -> str | None:
    """Choose a step's schema, as declared, by what the steps before put out; None where it has none."""
    chosen = acts.chosen_by(options)
    return acts.schema(options, outputs.get(chosen[0]) if chosen else None)


def rules_of(acts: StepKind[Any], options: StepOptions, tool: ToolSchema) -> tuple[Rule, ...]:
    """Give the rules that a step's record has to keep: those of the schema's file, and its own."""
    return (*tool.rules, *acts.rules(options))


def is_wanted(options: StepOptions, outputs: Mapping[str, Any]) -> bool:
    """Say whether the labels before want a step."""
    wanted = ((step, (each,) if isinstance(each, str) else each) for step, each in options.when.items())
    return all(outputs.get(step) in labels for step, labels in wanted)


def is_asked_otherwise(
    acts: StepKind[Any], options: StepOptions, before: Mapping[str, Any], after: Mapping[str, Any]
) -> bool:
    """Say whether a step has something else to do where those before it put out something else."""
    first, second = (
        is_wanted(options, outputs) and (chosen_schema(acts, options, outputs), outputs.get(options.input))
        for outputs in (before, after)
    )
    return first != second
