"""`docmill retry`: what earlier runs left undone, and nothing else."""

from dataclasses import replace
from typing import Annotated, Literal

from cyclopts import Parameter

from docmill.flows.cli.options import NOTHING, Asking, Json, PipelineName, Shards, Yes
from docmill.flows.cli.output import console
from docmill.flows.cli.run import carried_out
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.plan import resolve
from docmill.flows.pipeline.shards import require_room, require_shards
from docmill.schemas.outcome import BAD, Status
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.quarantine import QuarantiningResults

NotDone = Literal["invalid", "refused", "failed", "deferred"]
Only = Annotated[
    tuple[NotDone, ...],
    Parameter(name="--status", negative="", help="Only documents of this status; may be given again"),
]
Quarantined = Annotated[
    bool, Parameter(negative="", show_default=False, help="Release those in quarantine, and take them")
]


def retry(
    pipeline: PipelineName,
    /,
    *,
    status: Only = (),
    quarantined: Quarantined = False,
    asked: Asking = NOTHING,
    yes: Yes = False,
    shards: Shards = 1,
    json: Json = False,
) -> int:
    """Run the documents that are not done; gives the exit code.

    With --quarantined those in quarantine alone, unless --status names others. What the source lists
    and no run has read yet is for `docmill run`.
    """
    file = pipeline_file(pipeline)
    options = asked.given(yes=yes, shards=shards)
    require_shards(options)
    checked = load(file)
    plan = resolve(checked, options)
    require_room(plan)
    statuses: tuple[Status, ...] = status or (() if quarantined else (*BAD, "deferred"))
    ids = _chosen(plan.into, plan.name, statuses, quarantined=quarantined)
    if not ids:
        console(stderr=json).print(f"nothing of {plan.name} is to be tried again", markup=False)
        return 0
    restricted = replace(options, only=ids, retried=statuses, released=quarantined)
    return carried_out(pipeline, file, restricted, resolve(checked, restricted), json=json)


def _chosen(into: Into, name: str, statuses: tuple[Status, ...], *, quarantined: bool) -> frozenset[str]:
    """Choose the documents by their outcomes, and those in quarantine: the run releases what it takes up."""
    results = QuarantiningResults.read(into, name)
    try:
        chosen = frozenset(results.of_status(statuses)) if statuses else frozenset()
        return chosen | results.in_quarantine() if quarantined else chosen
    finally:
        results.close()
