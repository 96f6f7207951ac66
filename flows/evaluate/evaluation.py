"""How often the results are right: stored outcomes against a file of labels; makes no call."""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from io import TextIOWrapper
from pathlib import Path, PurePath
from typing import Any

from pydantic import BaseModel, ConfigDict

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks import regular
from docmill.tasks.checks.spelling import meant

DOCUMENT, LABEL = "document", "label"
GOOD = ("done", "review")


class Score(BaseModel):
    """How many values are right and wrong; missing where the document has no good outcome."""

    model_config = ConfigDict(frozen=True)

    right: int = 0
    wrong: int = 0
    missing: int = 0

    @property
    def accuracy(self) -> float | None:
        """Give the share of right values among those that are there, 0 to 1; None without any."""
        known = self.right + self.wrong
        return self.right / known if known else None

    def __add__(self, other: "Score") -> "Score":
        return Score(
            right=self.right + other.right,
            wrong=self.wrong + other.wrong,
            missing=self.missing + other.missing,
        )


class Evaluation(BaseModel):
    """Scores of all labels together, of each label, and of each field of the records."""

    model_config = ConfigDict(frozen=True)

    label: Score
    labels: dict[str, Score]
    fields: dict[str, Score]

    def as_json(self) -> dict[str, Any]:
        """Write it for scripts, each score with its accuracy."""
        return {
            "label": _written(self.label),
            "labels": {name: _written(score) for name, score in self.labels.items()},
            "fields": {name: _written(score) for name, score in self.fields.items()},
        }


def compare(outcomes: Iterable[Mapping[str, Any]], truth: Path, known_fields: Iterable[str]) -> Evaluation:
    """Compare outcomes with a CSV of labels; an empty cell asks nothing.

    Its columns are `document` (document_id, or a file name that no two outcomes share), `label` and
    fields of the records. Raises ConfigError for what is no such file.
    """
    rows = _read(truth, list(known_fields))
    found = _Found(outcomes)
    labels: defaultdict[str, Score] = defaultdict(Score)
    fields: defaultdict[str, Score] = defaultdict(Score)
    for line, row in rows:
        outcome = found.outcome(row.pop(DOCUMENT), f"{truth}:{line}")
        good = outcome if outcome and outcome["status"] in GOOD else None
        if label := row.pop(LABEL, ""):
            labels[label] += _score(good and good["label"] == label)
        for name, cell in row.items():
            if cell:
                fields[name] += _score(good and _same((good["record"] or {}).get(name), cell))
    return Evaluation(label=sum(labels.values(), Score()), labels=dict(labels), fields=dict(fields))


class _Found:
    """Outcomes by document_id, and by file name where that is unique."""

    def __init__(self, outcomes: Iterable[Mapping[str, Any]]) -> None:
        self._by_id = {outcome["document_id"]: outcome for outcome in outcomes}
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        for document_id in self._by_id:
            self._by_name[PurePath(document_id).name].append(document_id)

    def outcome(self, document: str, place: str) -> Mapping[str, Any] | None:
        """Find the outcome that a row is about."""
        if document in self._by_id:
            return self._by_id[document]
        named = self._by_name.get(document, [])
        if len(named) > 1:
            raise ConfigError(f"{place}: {document!r} may be {' or '.join(named[:3])}: write the document_id")
        return self._by_id[named[0]] if named else None


def _read(truth: Path, fields: list[str]) -> list[tuple[int, dict[str, str]]]:
    try:
        with TextIOWrapper(regular.opened(truth), encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = list(reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise ConfigError(f"{truth}: cannot be read: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigError(f"{truth}: not a CSV file in UTF-8: {error}") from None
    if DOCUMENT not in columns:
        raise ConfigError(f"{truth}:1: there is no column {DOCUMENT!r}: columns are {', '.join(columns)}")
    for column in columns:
        if columns.count(column) > 1:
            raise ConfigError(f"{truth}:1: the column {column!r} stands twice")
        if column not in (DOCUMENT, LABEL, *fields):
            raise ConfigError(
                f"{truth}:1: {column!r} is no field of a record{meant(column, [LABEL, *fields])}"
            )
    for line, row in rows:
        if None in row or None in row.values():
            raise ConfigError(f"{truth}:{line}: the row has not {len(columns)} cells")
    return [(line, {name: cell.strip() for name, cell in row.items()}) for line, row in rows]


def _score(right: Any) -> Score:
    """Score one value: None where there is no good outcome."""
    return Score(missing=1) if right is None else Score(right=int(right), wrong=int(not right))


def _same(value: Any, cell: str) -> bool:
    """Compare a record's value with a cell: text as it is, all else as the JSON that the cell holds."""
    if isinstance(value, str):
        return value.strip() == cell
    try:
        wanted = json.loads(cell)
    except ValueError:
        return False
    return isinstance(wanted, bool) is isinstance(value, bool) and bool(wanted == value)


def _written(score: Score) -> dict[str, Any]:
    return {**score.model_dump(), "accuracy": score.accuracy}
