"""Where the values of a record stand in a document's text."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cached_property

from docmill.tasks.checks.evidence import dates, numbers
from docmill.tasks.checks.evidence.escapes import unescaped
from docmill.tasks.checks.evidence.folding import Folded, Span, folded
from docmill.tasks.checks.evidence.spellings import pattern
from docmill.tasks.checks.evidence.values import Value
from docmill.tasks.checks.evidence.words import is_whole

MAX_TRIES = 20_000  # of one string; what is not found by then counts as absent
PATTERN_COST = 10
MAX_CHARS = 10_000_000_000  # that are looked through for the strings of one document


@dataclass(frozen=True)
class Sought:
    """What a value is found by: its folded text, or else as one of some days or numbers.

    `joined` has the words that were divided at the ends of lines in one, `divided` with their hyphens;
    `lines` is as `joined`, with the ends of its lines.
    """

    joined: str = ""
    divided: str = ""
    lines: str = ""
    days: frozenset[date] = frozenset()
    numbers: frozenset[Decimal] = frozenset()
    clock: time | None = None


def sought(value: Value) -> Sought | None:
    """Say what a value is found by; None where there is nothing to be found."""
    said = value.value
    if not isinstance(said, str):
        return Sought(numbers=frozenset({Decimal(repr(said))}))
    joined, divided = (folded(said, hyphen).text.strip(" \t") for hyphen in ("", "-"))
    if not joined:
        return None
    if moment := _moment(said, value.format):
        return moment
    days = dates.days(said)
    read = frozenset() if days else numbers.values(said)
    lines = folded(said).lines.strip(" \t\n")
    return Sought(joined, divided, lines, frozenset(days), frozenset(read))


def _moment(said: str, format_: str | None) -> Sought | None:
    try:
        if format_ == "date":
            return Sought(days=frozenset({date.fromisoformat(said)}))
        if format_ == "date-time":
            moment = datetime.fromisoformat(said)
            clock = moment.time().replace(microsecond=0)
            return Sought(days=frozenset({moment.date()}), clock=clock if clock != time() else None)
    except ValueError:
        pass  # it is checked against its schema elsewhere
    return None


class Text:
    """A document's text, made ready for searches: folded once, and when it is first needed."""

    def __init__(self, original: str) -> None:
        self._content = unescaped(original)
        self._chars_left = MAX_CHARS

    def find(self, wanted: Mapping[Sought, int]) -> dict[Sought, list[Span]]:
        """Find each as often as it is wanted, in the text's order."""
        found = {each: self._written(each, count) for each, count in wanted.items()}
        missing = [each for each, spans in found.items() if not spans]
        if by_day := [each for each in missing if each.days]:
            found |= self._dated(by_day)
        if by_number := {each: wanted[each] for each in missing if each.numbers}:
            found |= self._counted(by_number)
        for each in missing:
            if not found[each] and each.lines:
                found[each] = self._spelt(each, wanted[each])
        return {each: self._original(spans) for each, spans in found.items()}

    def _original(self, spans: Iterable[Span]) -> list[Span]:
        """Give the places of what is said in the text as it is written."""
        return [whole for span in spans if (whole := self._content.original(*span))]

    @cached_property
    def _folded(self) -> list[Folded]:
        joined = folded(self._content.lines)
        return [joined, folded(self._content.lines, "-")] if joined.divided else [joined]

    @cached_property
    def _times(self) -> set[time]:
        return set(dates.times(self._folded[0].text))

    def _written(self, each: Sought, count: int) -> list[Span]:
        if not each.joined:
            return []
        texts = zip(self._folded, (each.joined, each.divided), strict=False)
        spans = {span for whole, value in texts for span in self._places(whole, value, count)}
        if each.joined != each.divided and len(self._folded) == 1:
            spans.update(self._places(self._folded[0], each.divided, count))
        return sorted(spans)[:count]

    def _places(self, whole: Folded, value: str, count: int) -> Iterable[Span]:
        text, found = whole.text, 0
        at = -1
        for _ in range(MAX_TRIES):
            if self._chars_left < 0:
                return
            begun = at + 1
            at = text.find(value, begun)
            self._chars_left -= (at if at >= 0 else len(text)) - begun
            if at < 0:
                return
            end = at + len(value)
            if is_whole(text, at, end) and (span := whole.original(at, end)):
                yield span
                found += 1
                if found == count:
                    return
                at = end - 1

    def _spelt(self, each: Sought, count: int) -> list[Span]:
        """Find a string in its other spellings; a pattern takes as long as PATTERN_COST searches."""
        wanted, whole = pattern(each.lines), self._folded[0]
        found: list[Span] = []
        if wanted is None or self._chars_left < 0:
            return found
        self._chars_left -= PATTERN_COST * len(whole.lines)
        for match in wanted.finditer(whole.lines):
            if is_whole(whole.text, *match.span()) and (span := whole.original(*match.span())):
                found.append(span)
                if len(found) == count:
                    break
        return found

    def _dated(self, wanted: list[Sought]) -> dict[Sought, list[Span]]:
        text = self._folded[0]
        days = {day for each in wanted for day in each.days}
        places: dict[date, set[Span]] = {}
        for find in (dates.places, dates.without_year):
            for day, (start, end) in find(text.text, days - places.keys()):
                if span := text.original(start, end):
                    places.setdefault(day, set()).add(span)
        return {
            each: sorted(span for day in each.days for span in places.get(day, ()))
            if each.clock is None or each.clock in self._times
            else []
            for each in wanted
        }

    def _counted(self, wanted: Mapping[Sought, int]) -> dict[Sought, list[Span]]:
        counts: dict[Decimal, int] = {}
        for each, count in wanted.items():
            for number in each.numbers:
                counts[number] = counts.get(number, 0) + count
        places = numbers.places(self._content.lines, counts)
        return {each: sorted({span for number in each.numbers for span in places[number]}) for each in wanted}
