"""One record out of those of a document's parts, with where each of its values comes from."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docmill.tasks.checks.evidence.folding import folded
from docmill.tasks.checks.evidence.values import holding_for, of_property
from docmill.tasks.checks.faults import Path, place
from docmill.tasks.checks.parts.dividing import Part
from docmill.tasks.checks.subschemas import Schema

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class PartRecord:
    """What one part says: its record, and the evidence of its values by their places in it.

    The evidence's offsets are those in the whole document. Of a value that needs none there is none.
    """

    part: Part
    record: dict[str, Any]
    evidence: Mapping[str, Sequence[Entry]] = field(default_factory=dict)

    def is_found(self, path: Path) -> bool:
        """Say whether a value stands in the part, or needs no evidence."""
        return all(entry["start"] is not None for entry in self.evidence.get(place(path), ()))


@dataclass(frozen=True)
class Said:
    """A value as one of the parts gives it."""

    number: int  # of the part
    path: Path
    value: Any


@dataclass(frozen=True)
class Conflict:
    """A place of the record for which parts give different values: the first is the one that is kept."""

    path: Path
    said: tuple[Said, ...]


@dataclass
class Merged:
    """The record of the whole; `sources` say of its values and items in which part they stand, and where."""

    record: dict[str, Any] = field(default_factory=dict)
    sources: dict[Path, Said] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)


def merged(parts: Sequence[PartRecord], schema: Schema) -> Merged:
    """Merge the records of parts, which are in the document's order.

    A value that stands in its part comes before one that does not; of different ones that do the first is
    kept, and the conflict told. Null and an empty text say nothing. Items of arrays follow each other, but
    for those that two parts give of what both show; with `uniqueItems` in the schema equal ones stand once.
    """
    merging = _Merging(parts, Merged())
    said = [Said(number, (), each.record) for number, each in enumerate(parts)]
    merging.result.record = merging.object((), said, [schema])
    return merging.result


@dataclass
class _Merging:
    parts: Sequence[PartRecord]
    result: Merged

    def object(self, path: Path, said: Sequence[Said], schemas: list[Any]) -> dict[str, Any]:
        by_name: dict[str, list[Said]] = defaultdict(list)
        for each in said:
            for name, value in each.value.items():
                if value is not None:
                    by_name[name].append(Said(each.number, (*each.path, name), value))
        return {
            name: self._value((*path, name), values, _below(schemas, name, values[0].value))
            for name, values in by_name.items()
        }

    def _value(self, path: Path, said: list[Said], schemas: list[Any]) -> Any:
        if all(isinstance(each.value, dict) for each in said):
            return self.object(path, said, schemas)
        if all(isinstance(each.value, list) for each in said):
            return self._array(path, said, schemas)
        return self._scalar(path, said)

    def _scalar(self, path: Path, said: list[Said]) -> Any:
        said = [each for each in said if each.value != ""] or said
        found = [each for each in said if self.parts[each.number].is_found(each.path)] or said
        different = _different(found)
        if len(different) > 1:
            self.result.conflicts.append(Conflict(path, tuple(different)))
        self.result.sources[path] = different[0]
        return different[0].value

    def _array(self, path: Path, said: list[Said], schemas: list[Any]) -> list[Any]:
        is_set = any(isinstance(each, dict) and each.get("uniqueItems") is True for each in schemas)
        kept: list[Said] = []
        last: list[_Item] = []
        for of_part in said:
            items, begins = self._items(of_part), self.parts[of_part.number].part.start
            last = [each for each in last if any(at >= begins for at in each.starts)]
            kept += [each.said for each in items if not self._is_repeated(each, last)]
            last = items
        kept = _different(kept) if is_set else kept
        for index, each in enumerate(kept):
            self.result.sources[(*path, index)] = each
        return [each.value for each in kept]

    def _items(self, of_part: Said) -> list["_Item"]:
        """Give the items of a part's array, each with where its values stand."""
        starts: dict[int, list[int]] = defaultdict(list)
        begins = f"{place(of_part.path)}["
        for at, entries in self.parts[of_part.number].evidence.items():
            if at.startswith(begins):
                index = int(at[len(begins) : at.index("]", len(begins))])
                starts[index] += [entry["start"] for entry in entries if entry["start"] is not None]
        return [
            _Item(Said(of_part.number, (*of_part.path, index), value), starts.get(index, []))
            for index, value in enumerate(of_part.value)
        ]

    def _is_repeated(self, item: "_Item", last: list["_Item"]) -> bool:
        """Say whether the part before gives an item of what both show; that one then stands for no other.

        `last` are the items of the part before that stand, at least in part, in what both show.
        """
        part = self.parts[item.said.number].part
        if not item.starts or not all(part.start <= at < part.own for at in item.starts):
            return False
        for each in last:
            if each.said.value == item.said.value:
                last.remove(each)
                return True
        return False


@dataclass(frozen=True)
class _Item:
    said: Said
    starts: list[int]


def _different(said: Iterable[Said]) -> list[Said]:
    """Give the first of each value: texts are the same but for case and blanks; true is not 1."""
    first: dict[Hashable, Said] = {}
    for each in said:
        value = each.value
        sense = folded(value).text.strip() if isinstance(value, str) else _sense(value)
        first.setdefault(sense, each)
    return list(first.values())


def _below(schemas: list[Any], name: str, value: Any) -> list[Any]:
    return [each for schema in of_property(schemas, name) for each in holding_for(schema, value)]


def _sense(value: Any) -> tuple[Hashable, ...]:
    if isinstance(value, dict):
        return "object", frozenset((name, _sense(each)) for name, each in value.items())
    if isinstance(value, list):
        return "array", *map(_sense, value)
    return type(value) is bool, value
