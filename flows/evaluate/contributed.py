"""What each model contributed, where several are asked in turn: the documents that it answered last."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from docmill.flows.evaluate.evaluation import Evaluation
from docmill.schemas.outcome import Tally


class Contribution(BaseModel):
    """Labelled documents that one model answered last: how many are all right, and how many in review.

    `tally` is what these documents cost, those models too that were asked before.
    """

    model_config = ConfigDict(frozen=True)

    documents: int = 0
    right: int = 0
    review: int = 0
    tally: Tally = Tally()


def contributions(found: Evaluation, outcomes: Iterable[Mapping[str, Any]]) -> dict[str, Contribution]:
    """Add up an evaluation by the models that answered; outcomes of an earlier version name none."""
    rows = {row["document_id"]: row for row in outcomes}
    models: dict[str, Contribution] = {}
    for each in found.judgements:
        row = rows.get(each.document, {})
        if not each.is_answered or not row.get("model"):
            continue
        before = models.get(row["model"], Contribution())
        models[row["model"]] = Contribution(
            documents=before.documents + 1,
            right=before.right + each.is_right,
            review=before.review + (each.status == "review"),
            tally=before.tally + tally_of(row),
        )
    return dict(sorted(models.items(), key=lambda item: -item[1].documents))


def tally_of(row: Mapping[str, Any]) -> Tally:
    """Give what an outcome's calls cost."""
    return Tally(**{name: row[name] for name in Tally.model_fields if name in row})
