"""A pipeline in which nothing is wrong: from a file, a parameter or Python, it is checked here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from docmill.flows.pipeline.examples import load_examples
from docmill.flows.pipeline.graph import ring_faults, waits
from docmill.flows.pipeline.names import name_faults, reference_faults
from docmill.flows.pipeline.tables import table_faults, with_tables
from docmill.flows.pipeline.tools import load_tools
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import Pipeline
from docmill.schemas.steps import KINDS
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.declared import Place, faults
from docmill.tasks.checks.faults import place, shown
from docmill.tasks.checks.spelling import meant
from docmill.tasks.checks.yamltext import YamlText

MAX_FAULTS = 20


@dataclass(frozen=True)
class CheckedPipeline:
    """A pipeline, its tool schemas by their declared names, and for each step those that it waits for."""

    pipeline: Pipeline
    tools: Mapping[str, ToolSchema]
    waits: Mapping[str, tuple[str, ...]]

    @cached_property
    def with_tables(self) -> frozenset[str]:
        """The steps whose records have a table."""
        return with_tables(self.pipeline)


def declared(data: dict[str, Any], written: YamlText | None = None) -> CheckedPipeline:
    """Make a pipeline of what is declared in a file, and check all of it; raises as `modelled` does."""
    return checked(modelled(data, written), written)


def modelled(data: dict[str, Any], written: YamlText | None = None) -> Pipeline:
    """Make a pipeline of what is declared, in a file or as a flow's parameter; reads no other file.

    Raises ConfigError with a line a fault: file, line and column of `written`, the place in the pipeline,
    what is wrong and what was meant.
    """
    if wrong := _step_faults(data.get("steps")):
        raise _refused(wrong, written)
    try:
        return Pipeline.model_validate(data)
    except ValidationError as error:
        raise _refused(faults(error, data, Pipeline), written) from None


def checked(pipeline: Pipeline, written: YamlText | None = None) -> CheckedPipeline:
    """Check what pydantic cannot see, load schemas and examples; raises ConfigError as `modelled` does."""
    unfit = reference_faults(pipeline)
    if wrong := [*(unfit or ring_faults(pipeline)), *name_faults(pipeline), *table_faults(pipeline)]:
        raise _refused(wrong, written)
    tools, wrong = load_tools(pipeline)
    if wrong:
        raise _refused(wrong, written)
    pipeline, wrong = load_examples(pipeline, tools)
    if wrong:
        raise _refused(wrong, written)
    return CheckedPipeline(pipeline, tools, waits(pipeline))


def _step_faults(steps: object) -> list[tuple[Place, str]]:
    """Find items that are no mapping of one kind: pydantic's sentence would not say what was meant."""
    known = ", ".join(KINDS)
    wrong: list[tuple[Place, str]] = []
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        at: Place = ("steps", index)
        if not isinstance(step, dict):
            wrong.append((at, f"must be `KIND: {{…}}` with KIND one of {known}, not {shown(step)}"))
        elif not any(kind in step for kind in KINDS):
            name = next(iter(step), None)
            near = meant(name, KINDS) if step else f"; known: {known}"
            wrong.append(((*at, name) if isinstance(name, str) else at, f"unknown kind of step{near}"))
        elif len(step) > 1:
            wrong.append((at, f"one step has one kind, not {', '.join(map(str, step))}: indent its options"))
    return wrong


def _refused(wrong: Iterable[tuple[Place, str]], written: YamlText | None) -> ConfigError:
    lines = []
    for at, fault in wrong:
        parts = [written.place(at) if written else "", place(at), fault]
        lines.append(": ".join(part for part in parts if part))
    if len(lines) > MAX_FAULTS:
        lines[MAX_FAULTS:] = [f"{len(lines) - MAX_FAULTS} more"]
    return ConfigError("\n".join(lines))
