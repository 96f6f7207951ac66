"""A pipeline's steps as a graph, and what pydantic cannot see of a pipeline: names that must fit."""

from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import rfc8785
from pydantic import ValidationError

from docmill.schemas.endpoint import BUILT_IN, Endpoint
from docmill.schemas.pipeline import (
    DOCUMENT,
    Ask,
    Classify,
    Extract,
    Pipeline,
    StepOptions,
    kind_and_options,
    step_ids,
)
from docmill.tasks.checks.declared import Place, faults
from docmill.tasks.checks.request import parameter_faults
from docmill.tasks.checks.spelling import meant
from docmill.tasks.checks.toolschema import FIXED_COLUMNS, MAX_NAME_BYTES, path_of

Faults = Iterator[tuple[Place, str]]

OWN_TABLES = ("docmill_runs", "docmill_outcomes")
OWN_PREFIX = "docmill__"


def edges(pipeline: Pipeline) -> dict[str, tuple[str, ...]]:
    """Give for each step, in the order written, the steps it waits for.

    These are its `needs` (the one above where it has none), and those whose output it reads by
    `input`, `by` and `when`: to name a step there is to wait for it, whatever `needs` says.
    """
    waits: dict[str, tuple[str, ...]] = {}
    above: tuple[str, ...] = ()
    for step_id, (_, options) in _steps(pipeline).items():
        declared = above if options.needs is None else options.needs
        waits[step_id] = tuple(dict.fromkeys((*declared, *(name for _, name in _read(options)))))
        above = (step_id,)
    return waits


def check(pipeline: Pipeline) -> list[tuple[Place, str]]:
    """List what is wrong with a pipeline, each with its place in what was written; reads no file."""
    unfit = [*_id_faults(pipeline), *_reference_faults(pipeline)]
    return [
        *(unfit or _ring_faults(pipeline)),
        *_label_faults(pipeline),
        *_endpoint_faults(pipeline),
        *_parameter_faults(pipeline),
        *_schema_faults(pipeline),
        *_table_faults(pipeline),
    ]


def _steps(pipeline: Pipeline) -> dict[str, tuple[Place, StepOptions]]:
    """Give each step's place and options; of two steps with one id the first."""
    steps: dict[str, tuple[Place, StepOptions]] = {}
    for index, (step_id, step) in enumerate(zip(step_ids(pipeline), pipeline.steps, strict=True)):
        kind, options = kind_and_options(step)
        steps.setdefault(step_id, (("steps", index, kind), options))
    return steps


def _read(options: StepOptions) -> Iterator[tuple[Place, str]]:
    """Give the steps whose output a step reads, each with its place in the options."""
    if options.input != DOCUMENT:
        yield ("input",), options.input
    if isinstance(options, Extract) and options.by:
        yield ("by",), options.by
    for name in options.when:
        yield ("when", name), name


def _id_faults(pipeline: Pipeline) -> Faults:
    counts: Counter[str] = Counter()
    for index, (step_id, step) in enumerate(zip(step_ids(pipeline), pipeline.steps, strict=True)):
        kind, options = kind_and_options(step)
        at: Place = ("steps", index, kind, "id") if options.id else ("steps", index, kind)
        counts[step_id] += 1
        if counts[step_id] == 2:
            yield at, f"a step above has the id {step_id!r} already: give this one another `id`"
        if step_id == DOCUMENT:
            yield at, f"{DOCUMENT!r} means the document itself: give the step another `id`"


def _reference_faults(pipeline: Pipeline) -> Faults:
    steps = _steps(pipeline)
    for at, options in steps.values():
        needed = [(("needs", index), name) for index, name in enumerate(options.needs or ())]
        for inner, name in [*needed, *_read(options)]:
            if name not in steps:
                known = [*steps, DOCUMENT] if inner == ("input",) else steps
                yield (*at, *inner), f"there is no step {name!r}{meant(name, known)}"
            elif inner[0] in ("by", "when") and not isinstance(steps[name][1], Classify):
                yield (*at, *inner), f"{name!r} is no classify step, so it chooses no label"


def _ring_faults(pipeline: Pipeline) -> Faults:
    waits = edges(pipeline)
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        ring = error.args[1][::-1]  # each waits for the next
        at = max(_steps(pipeline)[step_id][0] for step_id in ring)
        arrows = " -> ".join(ring)
        yield at, f"the steps wait for each other: {arrows} (a step without `needs` waits for the one above)"


def _label_faults(pipeline: Pipeline) -> Faults:
    steps = _steps(pipeline)
    for at, options in steps.values():
        for step_id, labels in options.when.items():
            chosen = (labels,) if isinstance(labels, str) else labels
            yield from _unknown_labels(steps, (*at, "when", step_id), step_id, chosen)
        if isinstance(options, Extract) and options.by:
            for label in options.schemas:
                yield from _unknown_labels(steps, (*at, "schemas", label), options.by, (label,))


def _unknown_labels(
    steps: dict[str, tuple[Place, StepOptions]], at: Place, step_id: str, labels: tuple[str, ...]
) -> Faults:
    chooser = steps[step_id][1] if step_id in steps else None
    if isinstance(chooser, Classify):
        for label in labels:
            if label not in chooser.labels:
                yield at, f"{step_id!r} has no label {label!r}{meant(label, chooser.labels)}"


def _endpoint_faults(pipeline: Pipeline) -> Faults:
    named = pipeline.endpoint
    if isinstance(named, Endpoint) or named in BUILT_IN:
        return
    if "://" not in named and not named.startswith("${"):
        yield ("endpoint",), f"{named!r} is no URL and no endpoint's name{meant(named, BUILT_IN)}"
        return
    try:
        Endpoint(base_url=named)
    except ValidationError as error:
        for _, fault in faults(error, {"base_url": named}, Endpoint):
            yield ("endpoint",), fault


def _parameter_faults(pipeline: Pipeline) -> Faults:
    for at, options in _steps(pipeline).values():
        sendable = {}
        for name, value in options.params.items():
            try:
                rfc8785.dumps(value)
                sendable[name] = value
            except rfc8785.CanonicalizationError as error:
                yield (*at, "params", name), f"cannot be sent as JSON: {error}"
        for place, fault in parameter_faults(sendable):
            yield (*at, "params", *place), fault


def _schemas(pipeline: Pipeline) -> Iterator[tuple[int, Place, str]]:
    """Give each extract schema as declared, with its step's index and its place."""
    for index, step in enumerate(pipeline.steps):
        kind, options = kind_and_options(step)
        if isinstance(options, Extract):
            if options.schema_ is not None:
                yield index, ("steps", index, kind, "schema"), options.schema_
            for label, name in options.schemas.items():
                yield index, ("steps", index, kind, "schemas", label), name


def schema_places(pipeline: Pipeline) -> dict[str, Place]:
    """Give the tool schemas as declared, each with the place that names it first."""
    places: dict[str, Place] = {}
    for _, at, name in _schemas(pipeline):
        places.setdefault(name, at)
    for at, options in _steps(pipeline).values():
        if isinstance(options, Ask) and options.schema_:
            places.setdefault(options.schema_, (*at, "schema"))
    return places


def extract_schemas(pipeline: Pipeline) -> list[str]:
    """Name the tool schemas, as declared, whose records have a table."""
    return list(dict.fromkeys(name for _, _, name in _schemas(pipeline)))


def _schema_faults(pipeline: Pipeline) -> Faults:
    owners: dict[str, tuple[int, Path]] = {}
    for index, at, name in _schemas(pipeline):
        made = f"{pipeline.name}__{path_of(name).stem}".replace("-", "_")
        owner, path = owners.setdefault(made.casefold(), (index, path_of(name)))
        if path != path_of(name):
            yield at, f"{str(path_of(name))!r} and {str(path)!r} would share the table {made!r}: rename one"
        elif owner != index:
            yield at, f"the schema {name!r} is another step's already: copy its file under another name"
        if len(made.encode()) > MAX_NAME_BYTES:
            yield at, f"the table's name {made!r} has more than {MAX_NAME_BYTES} bytes: shorten the schema's"
        if made.startswith(OWN_PREFIX):
            yield at, f"the table {made!r} would be one of docmill's own: give the pipeline another name"


def _table_faults(pipeline: Pipeline) -> Faults:
    sink = pipeline.sink()
    count = len({path_of(name) for name in extract_schemas(pipeline)})
    if sink.table and count != 1:
        yield ("into", "table"), f"one table takes one extract schema, and the pipeline has {count}"
    if sink.table and (sink.table.startswith(OWN_PREFIX) or sink.table in OWN_TABLES):
        yield ("into", "table"), f"{sink.table!r} is one of docmill's own tables: name another"
    for key, name in (("table", sink.table or ""), ("key", sink.key)):
        if len(name.encode()) > MAX_NAME_BYTES:
            yield ("into", key), f"{name!r} has more than {MAX_NAME_BYTES} bytes"
    if sink.key.casefold() in FIXED_COLUMNS[1:]:
        yield ("into", "key"), f"{sink.key!r} is the name of a column that every table has: name another"
