"""The gate: why results are not good enough, by what a pipeline's `evaluate` asks."""

from collections.abc import Iterator

from docmill.flows.evaluate.difference import WHOLE, Difference, Figure
from docmill.flows.evaluate.evaluation import Evaluation
from docmill.flows.evaluate.scores import Score, total
from docmill.schemas.evaluate import Evaluate, Verdict

NOTHING_ACCEPTED = (
    "no_worse_than: nothing is accepted yet: `docmill evaluate PIPELINE --accept` keeps these figures"
)


def below(found: Evaluation, min_label: float | None, min_field: float | None) -> Iterator[str]:
    """Give a line for each figure that is lower than it may be."""
    if min_label is not None and (found.label.accuracy or 0.0) < min_label:
        yield f"labels: {_said(found.label)}, below min_label {min_label:g}"
    for name, score in found.fields.items() if min_field is not None else ():
        if (score.accuracy or 0.0) < (min_field or 0.0):
            yield f"field {name}: {_said(score)}, below min_field {min_field:g}"


def worse(since: Difference | None) -> Iterator[str]:
    """Give a line for each figure that is worse than what was accepted.

    The share of answers and the accuracy of labels and of all fields may not fall at all; one field's may
    where that can be chance.
    """
    if since is None:
        yield NOTHING_ACCEPTED
        return
    for figure in since.figures:
        if figure.is_lower if figure.name in WHOLE else figure.is_lower_beyond_chance:
            yield f"{figure.name}: {_fallen(figure)}, worse than accepted"
    if not since.documents:
        yield "no_worse_than: no labelled document is among those that were accepted: accept anew"


def verdict(declared: Evaluate, labels: str, found: Evaluation, since: Difference | None) -> Verdict:
    """Judge an evaluation by what a pipeline asks; `since` is its difference from what was accepted."""
    reasons = [*below(found, declared.min_label, declared.min_field)]
    reasons += worse(since) if declared.no_worse_than else ()
    return Verdict(
        labels=labels,
        documents=len(found.judgements),
        answered=found.answered,
        label=found.label.accuracy,
        all_fields=total(found.fields.values()).accuracy,
        fields={name: score.accuracy for name, score in found.fields.items()},
        confusion=found.matrix(),
        reasons=tuple(reasons),
    )


def percent(share: float | None) -> str:
    """Write a share for people."""
    return "-" if share is None else f"{100 * share:.1f} %".replace(".0 %", " %")


def points(figure: Figure) -> str:
    """Write a difference in percentage points, with its interval."""
    if figure.difference is None:
        return "-"
    said = f"{100 * figure.difference:+.1f}"
    bounds = figure.low is not None and figure.high is not None
    return f"{said} [{100 * figure.low:+.1f}, {100 * figure.high:+.1f}]" if bounds else said  # type: ignore[operator]


def _said(score: Score) -> str:
    many = score.right + score.wrong
    if not many:
        return f"none has an answer, {score.missing:,} missing" if score.missing else "none is known"
    return f"{percent(score.accuracy)} right ({score.right:,} of {many:,})"


def _fallen(figure: Figure) -> str:
    return f"{percent(figure.after)} after {percent(figure.before)} ({points(figure)} points)"
