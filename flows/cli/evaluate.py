"""`docmill evaluate`: how often the stored results are right."""

from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from docmill.flows.cli.evaluating import Judged, opened, source_of
from docmill.flows.cli.evaluation_tables import (
    confusion,
    differences,
    models,
    review,
    scores,
    side_by_side,
    wrong,
)
from docmill.flows.cli.options import FLAG, IntoUrl, Json, PipelineName
from docmill.flows.cli.output import console, plain, print_json
from docmill.flows.evaluate.difference import difference
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import REVIEWS

Labels = Annotated[
    str | None,
    Parameter(
        help="CSV or JSONL: document, label, fields of the records; `reviews`: what people decided; or a "
        "database's URL with --query"
    ),
]
Query = Annotated[str | None, Parameter(help="The SELECT that gives the labels, where --labels is a URL")]
Least = Annotated[
    float | None,
    Parameter(name="--min", validator=Number(gte=0, lte=1), help="Exit 1 below this label accuracy, 0 to 1"),
]
Against = Annotated[
    str | None,
    Parameter(help="What got better and worse since: accepted, a run's id, or a file of `export --to jsonl`"),
]
Accept = Annotated[bool, FLAG, Parameter(help="Keep these figures: `no_worse_than: accepted` means them")]
Detail = Annotated[
    bool, FLAG, Parameter(help="Also precision, recall, F1, confused labels, review, and what is wrong")
]


def evaluate(
    *pipelines: PipelineName,
    labels: Labels = None,
    query: Query = None,
    least: Least = None,
    against: Against = None,
    accept: Accept = False,
    detail: Detail = False,
    into: IntoUrl = None,
    json: Json = False,
) -> int:
    """Compare the stored results with labels; makes no call.

    Says the accuracy of each label and field; documents without a good outcome are counted as missing, not
    as wrong. Labels, and how fields are compared, are those of the pipeline's `evaluate` where no option
    says otherwise. Of several pipelines each has a line, with cost and minutes.

    Exits with 1 below --min, and where the pipeline's min_label, min_field or no_worse_than does not hold.
    """
    if not pipelines:
        raise ConfigError("name a pipeline: docmill evaluate PIPELINE --labels FILE")
    if pipelines[1:] and (accept or against):
        raise ConfigError(f"{'--accept' if accept else '--against'}: takes one pipeline at a time")
    source = source_of(labels, query)
    judged = []
    for name in pipelines:
        with opened(name, into, source, least) as subject:
            source = subject.source if source == REVIEWS else source  # all by the decisions on the first
            one = subject.judged(name, against)
            one.reasons.extend(subject.reasons(one.found, is_accepted=accept))
            judged.append(one)
            if accept:
                subject.accept(one.found)
    _require_apart(judged)
    if json:
        print_json(_as_json(judged, detail=detail))
    else:
        _print(judged, detail=detail)
    out = console(stderr=True)
    if accept:
        out.print(f"accepted: {judged[0].name}", markup=False)
    for one in judged:
        for reason in one.reasons:
            out.print(plain(f"{one.name}: {reason}", "bold red"), soft_wrap=True)
    return int(any(one.reasons for one in judged))


def _require_apart(judged: Sequence[Judged]) -> None:
    """Raise ConfigError where two pipelines keep their results in one place: one replaced the other's."""
    seen: dict[tuple[str, str], str] = {}
    for one in judged:
        other = seen.setdefault(one.key, one.name)
        if other != one.name:
            url, name = one.key
            raise ConfigError(
                f"{other} and {one.name} both keep their results as {name} in {url}: give one another name"
            )


def _as_json(judged: Sequence[Judged], *, detail: bool) -> dict[str, Any]:
    if judged[1:]:
        return {"pipelines": [_one_as_json(one, judged[0], detail=detail) for one in judged]}
    [one] = judged
    written = one.found.as_json(detail=detail)
    if len(one.models) > 1:
        written["models"] = _models_as_json(one)
    if one.since:
        written["against"] = one.since.model_dump(mode="json")
    return {**written, "reasons": one.reasons} if one.reasons else written


def _one_as_json(one: Judged, first: Judged, *, detail: bool) -> dict[str, Any]:
    figures = difference(first.found, one.found).figures if one is not first else ()
    return {
        "pipeline": one.name,
        "model": one.model,
        **one.found.as_json(detail=detail),
        "cost_usd": one.cost.cost_usd,
        "minutes": one.minutes,
        "models": _models_as_json(one),
        "differences": [figure.model_dump() for figure in figures],
        "reasons": one.reasons,
    }


def _models_as_json(one: Judged) -> dict[str, Any]:
    return {
        name: {**each.model_dump(exclude={"tally"}), "cost_usd": each.tally.cost_usd}
        for name, each in one.models.items()
    }


def _print(judged: Sequence[Judged], *, detail: bool) -> None:
    out = console()
    if judged[1:]:
        out.print(side_by_side(judged))
        return
    [one] = judged
    out.print(scores(one.found, detail=detail))
    if len(one.models) > 1:
        out.print(models(one.models))
    if detail:
        for part in (confusion(one.found), review(one.found), *wrong(one.found)):
            out.print(part, soft_wrap=True)
    if one.since:
        for part in differences(one.since):
            out.print(part, soft_wrap=True)
