"""Why a document is to be run: it is new, its content has changed, or something about its steps has."""

from collections.abc import Mapping
from typing import Any, Literal

from docmill.flows.pipeline.plan import Plan
from docmill.schemas.outcome import GOOD

Standing = Literal["new", "changed", "not_done", "unchanged", "quarantined"]
Row = Mapping[str, Any]


def standing(plan: Plan, row: Row | None, content_sha256: str | None, *, held: bool) -> Standing:
    """Say how a document stands, by the hashes and the status of its outcome, where it has one.

    One that is `held` in quarantine is passed over.
    """
    if row is None:
        return "new"
    if held:
        return "quarantined"
    same = row["content_sha256"] == content_sha256 is not None and row["pipeline_sha256"] == plan.sha256
    if not same or plan.refresh:
        return "changed"
    return "unchanged" if row["status"] in GOOD else "not_done"


def reason(plan: Plan, row: Row, content_sha256: str | None, steps: Row) -> str:
    """Say why a document that has an outcome is to be run."""
    if row["content_sha256"] != content_sha256 or content_sha256 is None:
        return "the content has changed"
    if row["pipeline_sha256"] != plan.sha256:
        return _edited(plan, steps)
    if row["status"] not in GOOD:
        return f"the last outcome is {row['status']}"
    return "everything is asked anew"


def _edited(plan: Plan, steps: Row) -> str:
    """Say what of a pipeline has changed since: the first step that is another one."""
    if gone := sorted(steps.keys() - {step.id for step in plan.every_step()}):
        return f"`{gone[0]}` was taken out"
    for step in plan.every_step():
        before = steps.get(step.id)
        if before is None and step is plan.split:
            continue  # the first document of a file tells it
        if before is None:
            return f"`{step.id}` was added"
        if before["sha256"] == step.sha256:
            continue
        if before.get("model") and before["model"] not in step.models:
            return f"`{step.id}` has another model"
        if before.get("schema_sha256") in (None, step.schema_sha256):
            return f"`{step.id}` was edited"
        what = "labels of `{}` were" if step.kind == "classify" else "schema of `{}` was"
        return f"the {what.format(step.id)} edited"
    return "the pipeline's rules were edited"
