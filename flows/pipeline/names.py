"""Names in a pipeline that must fit each other, and what is sent beside them."""

from collections import Counter
from collections.abc import Iterator

import rfc8785
from pydantic import ValidationError

from docmill.flows.pipeline.graph import reads, steps
from docmill.schemas.bundle import SPLIT
from docmill.schemas.endpoint import BUILT_IN, Endpoint
from docmill.schemas.pipeline import Pipeline, step_ids
from docmill.schemas.steps import DOCUMENT, kind_and_options
from docmill.tasks.checks.declared import Place, faults
from docmill.tasks.checks.request import parameter_faults
from docmill.tasks.checks.spelling import meant

Faults = Iterator[tuple[Place, str]]


def reference_faults(pipeline: Pipeline) -> list[tuple[Place, str]]:
    """List ids that stand twice, and steps that are named and not there."""
    return [*_id_faults(pipeline), *_step_reference_faults(pipeline)]


def name_faults(pipeline: Pipeline) -> list[tuple[Place, str]]:
    """List what is wrong with labels, the endpoint's name and parameters."""
    return [
        *_label_faults(pipeline),
        *_endpoint_faults(pipeline),
        *_parameter_faults(pipeline),
    ]


def _id_faults(pipeline: Pipeline) -> Faults:
    counts: Counter[str] = Counter()
    for index, (step_id, step) in enumerate(zip(step_ids(pipeline), pipeline.steps, strict=True)):
        kind, options = kind_and_options(step)
        at: Place = ("steps", index, kind, "id") if options.id else ("steps", index, kind)
        counts[step_id] += 1
        if counts[step_id] == 2:
            yield at, f"a step above has the id {step_id!r} already: give this one another `id`"
        if step_id == SPLIT and pipeline.split:
            yield at, f"{SPLIT!r} is what divides files: give the step another `id`"
        if step_id == DOCUMENT:
            yield at, f"{DOCUMENT!r} means the document itself: give the step another `id`"


def _step_reference_faults(pipeline: Pipeline) -> Faults:
    known = steps(pipeline)
    for at, acts, options in known.values():
        needed = [(("needs", index), name) for index, name in enumerate(options.needs or ())]
        for inner, name in [*needed, *reads(acts, options)]:
            if name not in known:
                names = [*known, DOCUMENT] if inner == ("input",) else known
                yield (*at, *inner), f"there is no step {name!r}{meant(name, names)}"
            elif inner[0] in ("by", "when") and _labels(pipeline, name) is None:
                yield (*at, *inner), f"{name!r} is no classify step, so it chooses no label"


def _labels(pipeline: Pipeline, step_id: str) -> list[str] | None:
    """List the labels that a step chooses among; None where it chooses none, or is not there."""
    found = steps(pipeline).get(step_id)
    labels = found and found[1].labels(found[2])
    return None if labels is None else list(labels)


def _label_faults(pipeline: Pipeline) -> Faults:
    for at, acts, options in steps(pipeline).values():
        for step_id, labels in options.when.items():
            chosen = (labels,) if isinstance(labels, str) else labels
            yield from _unknown_labels(pipeline, (*at, "when", step_id), step_id, chosen)
        if by := acts.chosen_by(options):
            for label in by[1]:
                yield from _unknown_labels(pipeline, (*at, "schemas", label), by[0], (label,))


def _unknown_labels(pipeline: Pipeline, at: Place, step_id: str, labels: tuple[str, ...]) -> Faults:
    known = _labels(pipeline, step_id)
    for label in labels if known is not None else ():
        if label not in (known or ()):
            yield at, f"{step_id!r} has no label {label!r}{meant(label, known or ())}"


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
    for at, _, options in steps(pipeline).values():
        sendable = {}
        for name, value in options.params.items():
            try:
                rfc8785.dumps(value)
                sendable[name] = value
            except rfc8785.CanonicalizationError as error:
                yield (*at, "params", name), f"cannot be sent as JSON: {error}"
        for place, fault in parameter_faults(sendable):
            yield (*at, "params", *place), fault
