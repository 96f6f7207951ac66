"""A pipeline's steps as a graph: which waits for which."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from docmill.schemas.pipeline import Pipeline, step_ids
from docmill.schemas.steps import DOCUMENT, StepOptions, kind_and_options
from docmill.tasks.checks.declared import Place
from docmill.tasks.steps.kind import StepKind, kind

Step = tuple[Place, StepKind[Any], StepOptions]


def steps(pipeline: Pipeline) -> dict[str, Step]:
    """Give each step's place, kind and options by its id; of two steps with one id the first."""
    found: dict[str, Step] = {}
    for index, (step_id, step) in enumerate(zip(step_ids(pipeline), pipeline.steps, strict=True)):
        name, options = kind_and_options(step)
        found.setdefault(step_id, (("steps", index, name), kind(name), options))
    return found


def reads(acts: StepKind[Any], options: StepOptions) -> Iterator[tuple[Place, str]]:
    """Give the steps whose output a step reads, each with its place in the options."""
    if options.input != DOCUMENT:
        yield ("input",), options.input
    if chosen := acts.chosen_by(options):
        yield ("by",), chosen[0]
    for name in options.when:
        yield ("when", name), name


def waits(pipeline: Pipeline) -> dict[str, tuple[str, ...]]:
    """Give for each step, in the order written, the steps it waits for.

    These are its `needs` (the one above where it has none), and those whose output it reads by
    `input`, `by` and `when`: to name a step there is to wait for it, whatever `needs` says.
    """
    found: dict[str, tuple[str, ...]] = {}
    above: tuple[str, ...] = ()
    for step_id, (_, acts, options) in steps(pipeline).items():
        needs = above if options.needs is None else options.needs
        found[step_id] = tuple(dict.fromkeys((*needs, *(name for _, name in reads(acts, options)))))
        above = (step_id,)
    return found


def labelled_by(pipeline: Pipeline, step_id: str) -> str | None:
    """Name the step whose label a step knows: that of its `by`, else the nearest that it waits for."""
    every, before = steps(pipeline), waits(pipeline)
    _, acts, options = every[step_id]
    if chosen := acts.chosen_by(options):
        return chosen[0]
    seen = [*before[step_id]]
    for name in seen:  # which grows by those that these wait for
        _, acts, options = every[name]
        if acts.labels(options) is not None:
            return name
        seen += [each for each in before[name] if each not in seen]
    return None


def ring_faults(pipeline: Pipeline) -> list[tuple[Place, str]]:
    """Find steps that wait for each other; every step that one waits for has to be there."""
    try:
        TopologicalSorter(waits(pipeline)).prepare()
    except CycleError as error:
        ring = error.args[1][::-1]  # each waits for the next
        at = max(steps(pipeline)[step_id][0] for step_id in ring)
        arrows = " -> ".join(ring)
        return [
            (at, f"the steps wait for each other: {arrows} (a step without `needs` waits for the one above)")
        ]
    return []
