"""One document's outcome beside its label: which values are right, rows of arrays aligned best first."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from docmill.flows.evaluate import comparing
from docmill.flows.evaluate.assignment import assigned
from docmill.flows.evaluate.comparing import Comparison, Written
from docmill.flows.evaluate.fields import Field
from docmill.flows.evaluate.labels.truth import Items, Truth
from docmill.flows.evaluate.scores import Cell, Judgement, Score
from docmill.schemas.outcome import GOOD

Outcome = Mapping[str, Any]
EVERY = "*"
MOST_COMPARED = 1_000_000  # pairs of rows; those of longer arrays are taken in their order


@dataclass(frozen=True)
class Place:
    """Where a value stands: its path with the numbers of rows, and without."""

    path: str
    field: str

    def key(self, key: str) -> "Place":
        """Go to a property."""
        return Place(f"{self.path}.{key}" if self.path else key, f"{self.field}.{key}" if self.field else key)

    def item(self, index: object) -> "Place":
        """Go to an item."""
        return Place(f"{self.path}[{index}]", f"{self.field}[]")


@dataclass(frozen=True)
class Judge:
    """Judges documents by the fields of their schemas; `declared` replaces how fields are compared."""

    fields: Field
    declared: Mapping[str, str]

    def judgement(self, truth: Truth, outcome: Outcome | None) -> Judgement:
        """Judge what one label says."""
        good = outcome is not None and outcome["status"] in GOOD
        scores: dict[str, Score] = {}
        faults: list[Cell] = []
        record = (outcome["record"] if outcome and good else None) or {}
        for cell, right in self._object(truth.fields, record, self.fields, Place("", "")):
            score = _score(cell, right=right) if good else Score(missing=1)
            scores[cell.field] = scores.get(cell.field, Score()) + score
            faults += [cell] if score.wrong else []
        label = None
        if truth.label is not None:
            got = outcome["label"] if outcome and good else None
            label = Cell(path="label", field="label", wanted=truth.label, got=got)
        return Judgement(
            document=outcome["document_id"] if outcome else truth.document,
            named=truth.document,
            status=outcome["status"] if outcome else None,
            label=label,
            fields=scores,
            faults=tuple(faults),
        )

    def _value(self, wanted: Any, got: Any, field: Field, at: Place) -> Iterator[tuple[Cell, bool]]:
        if isinstance(wanted, Written) and (field.items or field.properties):
            wanted = comparing.value_of(wanted)
        if field.items and isinstance(wanted, Items):
            yield from self._items(wanted, got if isinstance(got, list) else [], field.items, at)
        elif field.items and isinstance(wanted, list):
            yield from self._rows(wanted, got if isinstance(got, list) else [], field.items, at)
        elif field.properties and isinstance(wanted, dict):
            yield from self._object(wanted, got if isinstance(got, dict) else {}, field, at)
        else:
            if isinstance(wanted, Written) and wanted == "null" and not isinstance(got, str):
                wanted = None
            cell = Cell(path=at.path, field=at.field, wanted=wanted, got=got)
            yield cell, self._same(wanted, got, field, at)

    def _object(
        self, wanted: Mapping[str, Any], got: Mapping[str, Any], field: Field, at: Place
    ) -> Iterator[tuple[Cell, bool]]:
        for key, inner in wanted.items():
            yield from self._value(inner, got.get(key), field.properties.get(key, Field()), at.key(key))

    def _rows(
        self, wanted: Sequence[Any], got: Sequence[Any], field: Field, at: Place
    ) -> Iterator[tuple[Cell, bool]]:
        pairs = self._aligned(wanted, got, field, at)
        for index, row in enumerate(wanted):
            there = got[pairs[index]] if index in pairs else None
            yield from self._value(row, there, field, at.item(index))
        named = dict.fromkeys(key for row in wanted if isinstance(row, dict) for key in row)
        for index in sorted(set(range(len(got))) - set(pairs.values())):
            yield from self._spurious(got[index], list(named), field, at.item("+"))

    def _items(
        self, wanted: Items, got: Sequence[Any], field: Field, at: Place
    ) -> Iterator[tuple[Cell, bool]]:
        """Compare items of which a part is asked: each with itself, where the run gives it as it did."""
        rows = [each.given if each.given in got else each.value for each in wanted]
        pairs = self._aligned(rows, got, field, at)
        for index, each in enumerate(wanted):
            there = got[pairs[index]] if index in pairs else None
            yield from self._value(each.asked, there, field, at.item(index))

    def _spurious(
        self, row: Any, named: Sequence[str], field: Field, at: Place
    ) -> Iterator[tuple[Cell, bool]]:
        """Give the values of a row that no label names: of the properties that the others' labels name."""
        if not isinstance(row, dict):
            yield from self._value(None, row, field, at)
            return
        for key in named or row:
            if not _is_nothing(row.get(key)):
                yield from self._value(None, row[key], Field(), at.key(key))

    def _aligned(self, wanted: Sequence[Any], got: Sequence[Any], field: Field, at: Place) -> dict[int, int]:
        """Pair rows: those that are equal first, of the others as many equal values as there can be."""
        pairs = self._equal(wanted, got, field, at)
        left = [index for index in range(len(wanted)) if index not in pairs]
        taken = set(pairs.values())
        right = [index for index in range(len(got)) if index not in taken]
        if len(left) * len(right) > MOST_COMPARED:
            return pairs | dict(zip(left, right, strict=False))
        worth = [[self._alike(wanted[one], got[other], field, at) for other in right] for one in left]
        return pairs | {left[one]: right[other] for one, other in assigned(worth)}

    def _equal(self, wanted: Sequence[Any], got: Sequence[Any], field: Field, at: Place) -> dict[int, int]:
        form = self._form(field, at)
        places: dict[tuple[Hashable, Hashable], list[int]] = {}
        for keys in {_keys(row) for row in wanted}:
            for index in reversed(range(len(got))):
                places.setdefault((keys, form(got[index], keys)), []).append(index)
        pairs: dict[int, int] = {}
        taken: set[int] = set()
        for index, row in enumerate(wanted):
            found = places.get((_keys(row), form(row, _keys(row))), [])
            while found and found[-1] in taken:
                found.pop()
            if found:
                pairs[index] = found.pop()
                taken.add(pairs[index])
        return pairs

    def _form(self, field: Field, at: Place) -> Callable[[Any, Any], Hashable]:
        def form(row: Any, keys: Any) -> Hashable:
            if keys is None or not isinstance(row, dict):
                return self._comparison(field, at.item(0)).form(row)
            inner = ((key, field.properties.get(key, Field())) for key in keys)
            return tuple(
                self._comparison(each, at.item(0).key(key)).form(row.get(key)) for key, each in inner
            )

        return form

    def _alike(self, wanted: Any, got: Any, field: Field, at: Place) -> float:
        judged = [right and not _is_nothing(cell.got) for cell, right in self._value(wanted, got, field, at)]
        return sum(judged) / len(judged) if judged else 0.0

    def _same(self, wanted: Any, got: Any, field: Field, at: Place) -> bool:
        if _is_nothing(wanted) or _is_nothing(got):
            return _is_nothing(wanted) and _is_nothing(got)
        return self._comparison(field, at).same(wanted, got)

    def _comparison(self, field: Field, at: Place) -> Comparison:
        return _made(self.declared.get(at.field) or self.declared.get(EVERY) or field.comparison)


_made = lru_cache(comparing.of)


def _score(cell: Cell, *, right: bool) -> Score:
    if right:
        return Score(right=1, empty=int(_is_nothing(cell.wanted)))
    absent, spurious = _is_nothing(cell.got), _is_nothing(cell.wanted)
    return Score(wrong=1, absent=int(absent), spurious=int(spurious))


def _is_nothing(value: Any) -> bool:
    return value is None or value == ""


def _keys(row: Any) -> Any:
    return tuple(row) if isinstance(row, dict) else None
