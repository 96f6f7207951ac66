"""The examples of a pipeline's steps: read from their files, and held against what the steps answer."""

from collections.abc import Iterator, Mapping
from glob import glob
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from docmill.flows.pipeline.graph import steps
from docmill.schemas.errors import ConfigError
from docmill.schemas.example import ANSWERS, Example
from docmill.schemas.pipeline import Pipeline
from docmill.schemas.steps import StepOptions
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks import regular
from docmill.tasks.checks.declared import Place
from docmill.tasks.checks.declared import faults as declared_faults
from docmill.tasks.checks.faults import faults, place
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.checks.spelling import meant
from docmill.tasks.checks.validation import validator
from docmill.tasks.steps.kind import StepKind

Faults = Iterator[tuple[Place, str]]
Tools = Mapping[str, ToolSchema]


def load_examples(pipeline: Pipeline, tools: Tools) -> tuple[Pipeline, list[tuple[Place, str]]]:
    """Put the examples of files into the steps that name them; gives what is wrong with any beside."""
    loaded: list[Any] = []
    wrong: list[tuple[Place, str]] = []
    for step, (at, acts, options) in zip(pipeline.steps, steps(pipeline).values(), strict=True):
        where = (*at, "examples")
        try:
            found = list(_declared(options, where))
        except ConfigError as error:
            wrong += [(where, line) for line in str(error).splitlines()]
            found = []
        for here, file, example in found:
            for inner, fault in example_faults(example, acts, options, tools):
                in_file = f"{file}: {place(inner)}: " if inner else f"{file}: "
                wrong.append((here, in_file + fault) if file else ((*here, *inner), fault))
        with_them = options.model_copy(update={"examples": tuple(example for _, _, example in found)})
        loaded.append(step.model_copy(update={str(at[-1]): with_them}) if found else step)
    return pipeline.model_copy(update={"steps": tuple(loaded)}), wrong


def _declared(options: StepOptions, at: Place) -> Iterator[tuple[Place, str, Example]]:
    """Give the examples of a step with their places, and the file of those that stand in one."""
    if isinstance(options.examples, str):
        yield from ((at, str(file), _read(file)) for file in _files(options.examples))
        return
    for index, example in enumerate(options.examples):
        yield (*at, index), "", example


def _files(named: str) -> list[Path]:
    """List the files of a glob, or the JSON files of a folder, by their names."""
    found = glob(f"{named}/*.json") if Path(named).is_dir() else glob(named, recursive=True)  # noqa: PTH207
    if not found:
        raise ConfigError(f"{named!r} names no file: give a folder of JSON files, or a glob")
    return [Path(name) for name in sorted(found)]


def _read(file: Path) -> Example:
    try:
        with regular.opened(file) as opened:
            declared = parse(opened.read().decode("utf-8-sig"))
        return Example.model_validate(declared)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        told = declared_faults(error, declared, Example)
        raise ConfigError("\n".join(f"{file}: {place(at)}: {said}" for at, said in told)) from None
    except ValueError as error:
        raise ConfigError(f"{file}: not JSON in UTF-8: {error}") from None


def example_faults(example: Example, acts: StepKind[Any], options: StepOptions, tools: Tools) -> Faults:
    """Find what keeps an example from being one of a step: another answer, no such label, a wrong record."""
    chosen = acts.chosen_by(options)
    wanted = {acts.answer(options), *(["label"] if chosen else [])}
    given = {name for name in ANSWERS if getattr(example, name) is not None}
    if given != wanted:
        yield (), f"an example of this step has document, {' and '.join(sorted(wanted))}"
        return
    labels = chosen[1] if chosen else acts.labels(options)
    if example.label is not None and labels is not None and example.label not in labels:
        yield ("label",), f"there is no label {example.label!r}{meant(example.label, labels)}"
        return
    schema = acts.schema(options, example.label)
    if example.record is not None and schema is not None and schema in tools:
        for at, fault in faults(validator(tools[schema].parameters), example.record):
            yield ("record", *at), fault
