"""How often the results are right: stored outcomes against labels; makes no call."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel, ConfigDict

from docmill.flows.evaluate import fields as declared_fields
from docmill.flows.evaluate.fields import Field
from docmill.flows.evaluate.judging import EVERY, Judge, Outcome
from docmill.flows.evaluate.labels.reviews import judged_of
from docmill.flows.evaluate.labels.source import Source, labels_of, sha256
from docmill.flows.evaluate.labels.truth import Truth, keys_of
from docmill.flows.evaluate.scores import Judgement, Score, total
from docmill.schemas.errors import ConfigError

__all__ = ["Evaluation", "Evaluator", "Reviewed", "Score", "compare"]


class Reviewed(BaseModel):
    """What review makes of answers: how many wrong ones it caught, and how many right ones it held back."""

    model_config = ConfigDict(frozen=True)

    wrong: int = 0
    caught: int = 0
    right: int = 0
    held_back: int = 0


class Evaluation(BaseModel):
    """Scores of all labels together, of each label, and of each field of the records.

    `labels_sha256` stands for what the labels say.
    """

    model_config = ConfigDict(frozen=True)

    label: Score = Score()
    labels: dict[str, Score] = {}
    fields: dict[str, Score] = {}
    judgements: tuple[Judgement, ...] = ()
    labels_sha256: str = ""

    @classmethod
    def of(cls, judgements: Sequence[Judgement], labels_sha256: str = "") -> "Evaluation":
        """Add up what documents are judged."""
        labels: defaultdict[str, Score] = defaultdict(Score)
        fields: defaultdict[str, Score] = defaultdict(Score)
        for each in judgements:
            if each.label:
                labels[str(each.label.wanted)] += each.of_label
            for name, score in each.fields.items():
                fields[name] += score
        return cls(
            label=total(labels.values()),
            labels=dict(labels),
            fields=dict(fields),
            judgements=tuple(judgements),
            labels_sha256=labels_sha256,
        )

    @property
    def answered(self) -> int:
        """Count the labelled documents that have a good outcome."""
        return sum(each.is_answered for each in self.judgements)

    def confusion(self) -> Counter[tuple[str, str | None]]:
        """Count the answered documents by their label and the one that the results have."""
        known = (each.label for each in self.judgements if each.label and each.is_answered)
        return Counter((str(label.wanted), label.got) for label in known)

    def reviewed(self) -> Reviewed:
        """Count what review caught and held back, of the answered documents."""
        answered = [(each.is_right, each.status == "review") for each in self.judgements if each.is_answered]
        found = Counter(answered)
        return Reviewed(
            wrong=found[False, True] + found[False, False],
            caught=found[False, True],
            right=found[True, True] + found[True, False],
            held_back=found[True, True],
        )

    def as_json(self, *, detail: bool = False) -> dict[str, Any]:
        """Write it for scripts, each score with its accuracy; in detail with all that is known."""
        short = {
            "label": _written(self.label, detail),
            "labels": {name: _written(score, detail) for name, score in self.labels.items()},
            "fields": {name: _written(score, detail) for name, score in self.fields.items()},
        }
        if not detail:
            return short
        confusion = [
            {"wanted": wanted, "got": got, "documents": many}
            for (wanted, got), many in self.confusion().most_common()
        ]
        wrong = [
            {"document": each.document, "status": each.status, **cell.model_dump(exclude={"field"})}
            for each in self.judgements
            for cell in each.all_faults
        ]
        reviewed = self.reviewed().model_dump()
        return {**short, "confusion": confusion, "review": reviewed, "wrong": wrong}


@dataclass(frozen=True)
class Evaluator:
    """Labels, and the fields that they may name; `comparisons` replace how fields are compared."""

    truths: Sequence[Truth]
    fields: Field
    comparisons: Mapping[str, str]

    @classmethod
    def of(cls, source: Source, fields: Field, comparisons: Mapping[str, str]) -> "Evaluator":
        """Read the labels; raises ConfigError for what are none, and for a field that there is not."""
        for name in comparisons:
            if name != EVERY:
                keys_of(name.replace("[]", "[0]"), fields, "evaluate.compare")
        return cls(labels_of(source, fields), fields, comparisons)

    def evaluate(self, outcomes: Iterable[Outcome]) -> Evaluation:
        """Judge outcomes; raises ConfigError where a label names a file that two of them have."""
        found, judge = _Found(outcomes), Judge(self.fields, self.comparisons)
        judged = []
        for truth in self.truths:
            asked, outcome = judged_of(truth, found.outcome(truth.document, truth.place))
            if asked:
                judged.append(judge.judgement(asked, outcome))
        return Evaluation.of(judged, sha256(self.truths))

    def asked_of(self, document_ids: Iterable[str]) -> list[str]:
        """Choose the documents that labels may be about, of all that there are."""
        named = {truth.document for truth in self.truths}
        return [each for each in document_ids if each in named or PurePath(each).name in named]


def compare(
    outcomes: Iterable[Outcome],
    labels: Source,
    fields: Field | Iterable[str],
    comparisons: Mapping[str, str] | None = None,
) -> Evaluation:
    """Compare outcomes with labels; an empty cell asks nothing.

    Their columns are `document` (document_id, or a file name that no two outcomes share), `label` and
    fields of the records. Of fields that are known by their names alone values are compared as they are.
    Raises ConfigError for what are no labels.
    """
    known = fields if isinstance(fields, Field) else declared_fields.of_names(fields)
    return Evaluator.of(labels, known, comparisons or {}).evaluate(outcomes)


class _Found:
    """Outcomes by document_id, and by file name where that is unique."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        self._by_id = {outcome["document_id"]: outcome for outcome in outcomes}
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        for document_id in self._by_id:
            self._by_name[PurePath(document_id).name].append(document_id)

    def outcome(self, document: str, place: str) -> Outcome | None:
        """Find the outcome that a label is about."""
        if document in self._by_id:
            return self._by_id[document]
        named = self._by_name.get(document, [])
        if len(named) > 1:
            raise ConfigError(f"{place}: {document!r} may be {' or '.join(named[:3])}: write the document_id")
        return self._by_id[named[0]] if named else None


def _written(score: Score, detail: bool) -> dict[str, Any]:
    short = {"right": score.right, "wrong": score.wrong, "missing": score.missing, "accuracy": score.accuracy}
    if not detail:
        return short
    more = {"absent": score.absent, "spurious": score.spurious, "empty": score.empty}
    return {**short, **more, "precision": score.precision, "recall": score.recall, "f1": score.f1}
