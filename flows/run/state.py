"""What a run has come to: complete, incomplete, stopped or failed."""

from docmill.flows.observe.progress import RunProgress
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.evaluate import Verdict
from docmill.schemas.outcome import BAD, RunState, bad_share

FINE = {"done", "unchanged", "review", "quarantined"}


def state_of(
    plan: Plan, progress: RunProgress, verdict: Verdict | None, *, stopped: bool, failed: bool
) -> RunState:
    """Judge a run by its counts, its evaluation, and whether it was stopped or failed."""
    if failed or not progress.adds_up():
        return "failed"
    if stopped:
        return "stopped"
    fine = _is_fine(plan, progress) and not (verdict and verdict.reasons)
    return "complete" if fine else "incomplete"


def _is_fine(plan: Plan, progress: RunProgress) -> bool:
    """Say whether every document is done, but for the share that `fail_above` allows to be bad."""
    counts = +progress.counts
    share = bad_share(progress.documents_in, counts)
    return counts.keys() <= FINE | set(BAD) and share <= plan.fail_above
