"""Which row of a document an item of an array stands for: that which has most of its values."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from docmill.tasks.checks.completeness.arrays import Array, Item
from docmill.tasks.checks.completeness.groups import Group
from docmill.tasks.checks.completeness.rows import Row, Span
from docmill.tasks.checks.evidence.grounding import Grounds
from docmill.tasks.checks.evidence.search import Sought

MOST_PLACES = 5_000  # of one value
PLACES_A_ROW = 10
MAX_LOOKS = 3_000_000  # at values in rows; items that come later stand for none
NEAR_BEGIN = 3  # characters of marks before the text of a list's item


class At(NamedTuple):
    """Where a value stands in a row: its column, whether it is the whole cell, and its place."""

    column: int
    whole: bool
    span: Span


Places = dict[int, At]  # of one value, by the row's number


class Best(NamedTuple):
    """The rows of a group that have most of an item's values: how many, and how many as whole cells."""

    score: tuple[int, int]
    numbers: list[int]


class Claim(NamedTuple):
    """An item with the best rows for it; what has least choice comes first."""

    rank: tuple[float, int, int]
    item: Item
    best: Best


@dataclass
class Standing:
    """What items of one array stand for in one group: `taken` has the item of a row, by the row's number.

    `columns` count in which columns their values stand; `extra` are items whose row others have taken.
    """

    group: Group
    taken: dict[int, Item] = field(default_factory=dict)
    columns: Counter[int] = field(default_factory=Counter)
    strong: int = 0
    extra: list[Item] = field(default_factory=list)


class Rows:
    """All rows of a document, and where values stand in them."""

    def __init__(self, grounds: Grounds, groups: Sequence[Group]) -> None:
        self._grounds = grounds
        found = [(row.start, g, r) for g, group in enumerate(groups) for r, row in enumerate(group.rows)]
        self._places = sorted(found)
        self._starts = [start for start, _, _ in self._places]
        self._groups = groups
        self._looks = 0
        self._at: dict[Sought, Places] = {}

    def look_for(self, wanted: dict[Sought, str]) -> None:
        """Find values in the rows: whole cells first, then within them."""
        new = {what: said for what, said in wanted.items() if what not in self._at}
        cells = self._cells({_plain(said) for what, said in new.items() if what.joined})
        for what, said in new.items():
            self._at[what] = dict(cells.get(_plain(said), ())) if what.joined else {}
        most = min(MOST_PLACES, PLACES_A_ROW * len(self._starts))
        left = {what: most for what in new if not self._at[what]}
        for what, spans in self._grounds.places(left).items() if self._starts else ():
            for span in spans:
                number = bisect_right(self._starts, span[0]) - 1
                if number >= 0 and (
                    at := self._in(self.row(number), span, self.group(number).form == "list")
                ):
                    self._at[what].setdefault(number, at)

    def _cells(self, wanted: set[str]) -> dict[str, Places]:
        found: dict[str, Places] = defaultdict(dict)
        for number in range(len(self._places)) if wanted else ():
            for column, cell in enumerate(self.row(number).cells):
                said = _plain(self._grounds.original[cell[0] : cell[1]])
                if said in wanted:
                    found[said].setdefault(number, At(column, True, cell))
        return found

    def row(self, number: int) -> Row:
        """Give a row by its number."""
        _, g, r = self._places[number]
        return self._groups[g].rows[r]

    def group(self, number: int) -> Group:
        """Give the group of a row."""
        return self._groups[self._places[number][1]]

    @property
    def text(self) -> str:
        """The document's text."""
        return self._grounds.original

    def numbers(self) -> range:
        """Give the numbers of all rows."""
        return range(len(self._places))

    @staticmethod
    def _in(row: Row, span: Span, is_item: bool) -> At | None:
        if span[0] >= row.reach:
            return None
        for column, (start, end) in enumerate(row.cells):
            if start <= span[0] < end:
                begins = span[0] - start <= NEAR_BEGIN
                return At(column, begins if is_item else begins and end - span[1] <= NEAR_BEGIN, span)
        return At(-1, False, span)

    def known(self, item: Item) -> list[Places]:
        """Give where those of an item's values stand that are in any row."""
        return [at for what in item.anchors if (at := self._at.get(what))]

    def best(self, known: Sequence[Places]) -> dict[int, Best]:
        """Give for each group (by its identity) the rows that have most of some values, and how many."""
        best: dict[int, Best] = {}
        seen: set[int] = set()
        most = 0
        for passed, places in enumerate(sorted(known, key=len)):
            if most > len(known) - passed or self._looks > MAX_LOOKS:
                break  # a row that has none of the rarer values has fewer
            new = places.keys() - seen
            seen |= new
            self._looks += len(known) * len(new)
            for number in new:
                found = [at for each in known if (at := each.get(number))]
                score = len(found), sum(at.whole for at in found)
                most = max(most, len(found))
                before, numbers = best.setdefault(id(self.group(number)), Best((0, 0), []))
                if score > before:
                    best[id(self.group(number))] = Best(score, [number])
                elif score == before:
                    numbers.append(number)
        return {group: Best(score, sorted(numbers)) for group, (score, numbers) in best.items()}


def standings(rows: Rows, array: Array, groups: Iterable[Group]) -> list[Standing]:
    """Say which rows an array's items stand for, in each group that has some."""
    wanted = {what: said for item in array.items for what, said in item.anchors.items()}
    rows.look_for(wanted)
    best: dict[tuple[int, ...], dict[int, Best]] = {}
    claims: dict[int, list[Claim]] = defaultdict(list)
    for order, item in enumerate(array.items):
        known = rows.known(item)
        key = tuple(map(id, known))
        if key not in best:
            best[key] = rows.best(known)
        for group, found in best[key].items():
            if _may_stand(found.score, len(known)):
                rank = -found.score[0] / len(known), len(found.numbers), order
                claims[group].append(Claim(rank, item, found))
    return [_taken(rows, group, claims[id(group)]) for group in groups if claims.get(id(group))]


def _may_stand(score: tuple[int, int], known: int) -> bool:
    """Say whether a row has enough of an item's values: half, and two of several, or a whole cell."""
    many, whole = score
    return (many > 1 and 2 * many >= known) or (many == 1 and whole == 1)


def _taken(rows: Rows, group: Group, claims: list[Claim]) -> Standing:
    """Give each item a row of its own, those first that have no choice."""
    standing = Standing(group)
    begun: dict[int, int] = {}
    for _, item, (score, numbers) in sorted(claims, key=lambda claim: claim.rank):
        at = begun.get(id(numbers), 0)
        while at < len(numbers) and numbers[at] in standing.taken:
            at += 1
        begun[id(numbers)] = at
        known = rows.known(item)
        if at == len(numbers):
            if score[0] == len(item.anchors):
                standing.extra.append(item)
            continue
        standing.taken[numbers[at]] = item
        standing.strong += score[0] > 1 or (len(item.anchors) == 1 and _is_said(item))
        found = {place.column for each in known if (place := each.get(numbers[at]))}
        standing.columns.update(column for column in found if column >= 0)
    return standing


def _is_said(item: Item) -> bool:
    """Say whether an item has words: a number alone stands in many places."""
    return any(any(map(str.isalpha, said)) for said in item.anchors.values())


def _plain(said: str) -> str:
    return " ".join(said.casefold().split())
