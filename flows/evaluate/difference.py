"""Two evaluations side by side: what has got better and worse, and how much of it may be chance."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from docmill.flows.evaluate import bootstrap
from docmill.flows.evaluate.bootstrap import Counts
from docmill.flows.evaluate.evaluation import Evaluation
from docmill.flows.evaluate.scores import Cell, Judgement, Score, total

ANSWERED, LABEL, ALL_FIELDS = "answered", "label", "all fields"
WHOLE = (ANSWERED, LABEL, ALL_FIELDS)
Pair = tuple[Judgement, Judgement]


class Figure(BaseModel):
    """A share before and after; `low` and `high` bound the difference in 95 of 100 samples of documents."""

    model_config = ConfigDict(frozen=True)

    name: str
    before: float | None
    after: float | None
    low: float | None = None
    high: float | None = None

    @property
    def difference(self) -> float | None:
        """Give the share after less the one before."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def is_lower(self) -> bool:
        """Say whether the share has fallen, or is no longer known."""
        return self.before is not None and (self.after is None or self.after < self.before)

    @property
    def is_lower_beyond_chance(self) -> bool:
        """Say whether it has fallen in 95 of 100 samples."""
        return self.is_lower and (self.high is None or self.high < 0)


class Change(BaseModel):
    """A value that is right in one evaluation and wrong in the other."""

    model_config = ConfigDict(frozen=True)

    document: str
    path: str
    wanted: Any
    before: Any
    after: Any


class Difference(BaseModel):
    """What two evaluations of the same documents differ in."""

    model_config = ConfigDict(frozen=True)

    documents: int
    figures: tuple[Figure, ...]
    better: tuple[Change, ...]
    worse: tuple[Change, ...]
    other_labels: bool = False  # the two were made with labels that say other things


def difference(before: Evaluation, after: Evaluation) -> Difference:
    """Compare two evaluations by the documents that are in both."""
    earlier = {each.key: each for each in before.judgements}
    pairs = [(earlier[each.key], each) for each in after.judgements if each.key in earlier]
    return Difference(
        documents=len(pairs),
        figures=tuple(_figures(pairs)),
        better=tuple(change for pair in pairs for change in _mended(pair)),
        worse=tuple(change for pair in pairs for change in _broken(pair)),
        other_labels=before.labels_sha256 != after.labels_sha256,
    )


def _figures(pairs: Sequence[Pair]) -> Iterator[Figure]:
    names = dict.fromkeys(name for pair in pairs for each in pair for name in each.fields)
    answered = [(int(first.is_answered), 1, int(second.is_answered), 1) for first, second in pairs]
    yield _figure(ANSWERED, answered)
    if any(each.label for pair in pairs for each in pair):
        yield _figure(LABEL, _counts(pairs, lambda each: each.of_label))
    if names:
        yield _figure(ALL_FIELDS, _counts(pairs, lambda each: total(each.fields.values())))
    for name in names:
        yield _figure(f"field {name}", _counts(pairs, lambda each, name=name: each.fields.get(name, Score())))  # type: ignore[misc]


def _counts(pairs: Sequence[Pair], score: Callable[[Judgement], Score]) -> list[Counts]:
    scores = [(score(first), score(second)) for first, second in pairs]
    return [
        (first.right, first.right + first.wrong, second.right, second.right + second.wrong)
        for first, second in scores
    ]


def _figure(name: str, counts: Sequence[Counts]) -> Figure:
    right_before, before, right_after, after = (sum(each[at] for each in counts) for at in range(4))
    low, high = bootstrap.interval(counts) or (None, None)
    return Figure(
        name=name,
        before=right_before / before if before else None,
        after=right_after / after if after else None,
        low=low,
        high=high,
    )


def _mended(pair: Pair) -> Iterator[Change]:
    for cell in _only_in(*pair):
        yield _change(pair[1].document, cell, cell.got, cell.wanted)


def _broken(pair: Pair) -> Iterator[Change]:
    for cell in _only_in(pair[1], pair[0]):
        yield _change(pair[1].document, cell, cell.wanted, cell.got)


def _only_in(wrong: Judgement, right: Judgement) -> Iterator[Cell]:
    """Give what is wrong in one judgement and right in the other, which has to have an answer."""
    if right.is_answered and not wrong.is_answered:
        yield Cell(path="answer", field="answer", wanted="done", got=wrong.status or "no outcome")
    if not right.is_answered or not wrong.is_answered:
        return
    others = {cell.path for cell in right.all_faults}
    yield from (cell for cell in wrong.all_faults if cell.path not in others)


def _change(document: str, cell: Cell, before: Any, after: Any) -> Change:
    return Change(document=document, path=cell.path, wanted=cell.wanted, before=before, after=after)
