"""What is right and wrong: counted, and of each document with the values that are wrong."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from docmill.schemas.outcome import GOOD


class Score(BaseModel):
    """How many values are right and wrong; missing where the document has no good outcome.

    Of those that are wrong, `absent` were wanted and are not there, and `spurious` are there and were not
    wanted; of those that are right, `empty` were neither.
    """

    model_config = ConfigDict(frozen=True)

    right: int = 0
    wrong: int = 0
    missing: int = 0
    absent: int = 0
    spurious: int = 0
    empty: int = 0

    @property
    def accuracy(self) -> float | None:
        """Give the share of right values among those that are there, 0 to 1; None without any."""
        return _share(self.right, self.right + self.wrong)

    @property
    def precision(self) -> float | None:
        """Give the share of right values among those that the results have; None without any."""
        found = self.right - self.empty
        return _share(found, found + self.wrong - self.absent)

    @property
    def recall(self) -> float | None:
        """Give the share of the wanted values that the results have right; None without any."""
        found = self.right - self.empty
        return _share(found, found + self.wrong - self.spurious)

    @property
    def f1(self) -> float | None:
        """Give the harmonic mean of precision and recall."""
        found = self.right - self.empty
        return _share(2 * found, 2 * found + 2 * self.wrong - self.absent - self.spurious)

    def __add__(self, other: "Score") -> "Score":
        mine, others = self.__dict__, other.__dict__
        return Score(**{name: mine[name] + others[name] for name in mine})


def total(scores: Iterable[Score]) -> Score:
    """Add scores up."""
    return sum(scores, Score())


class Cell(BaseModel):
    """A value beside the one that its label names.

    `field` is its `path` without the numbers of rows, such as `lines[].total` for `lines[2].total`; those
    are the label's rows, and a row that no label names has `+`.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    field: str
    wanted: Any = None
    got: Any = None


class Judgement(BaseModel):
    """One labelled document: its label, a score of each field, and the values that are wrong.

    `status` is its outcome's; None where there is none. `named` is what the label calls the document: that
    stays when its outcome is lost.
    """

    model_config = ConfigDict(frozen=True)

    document: str
    named: str = ""
    status: str | None = None
    label: Cell | None = None
    fields: dict[str, Score] = Field(default_factory=dict)
    faults: tuple[Cell, ...] = ()

    @property
    def key(self) -> str:
        """Give what is the same in two evaluations by one label."""
        return self.named or self.document

    @property
    def is_answered(self) -> bool:
        """Say whether there is a good outcome."""
        return self.status in GOOD

    @property
    def of_label(self) -> Score:
        """Score the label; nothing where none is known."""
        if self.label is None:
            return Score()
        if not self.is_answered:
            return Score(missing=1)
        right = self.label.got == self.label.wanted
        return Score(right=int(right), wrong=int(not right), absent=int(self.label.got is None))

    @property
    def all_faults(self) -> tuple[Cell, ...]:
        """Give all that is wrong: the label before the values."""
        return (self.label, *self.faults) if self.label and self.of_label.wrong else self.faults

    @property
    def is_right(self) -> bool:
        """Say whether label and values are all right."""
        return self.is_answered and not self.all_faults


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
