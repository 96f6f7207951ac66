"""Dates and times in texts, by the day and the minute, however they are written."""

import re
from collections.abc import Iterator, Set
from datetime import date, time

from docmill.tasks.checks.evidence.folding import Span, folded
from docmill.tasks.checks.evidence.words import cuts

# Case-folded, of January to December: English, German, French, Spanish, Italian, Dutch, Portuguese, Danish,
# Norwegian and Swedish.
NAMES = (
    "january januar jänner jan janvier janv enero ene gennaio gen januari janeiro",
    "february februar feber feb février févr fevr fév febrero febbraio februari fevereiro fev",
    "march märz mrz mar mär mars marzo maart mrt março marts",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag mei maio maj",
    "june juni jun juin junio giugno giu junho",
    "july juli jul juillet juil julio luglio lug julho",
    "august aug août aout agosto ago augustus augusti",
    "september sept sep septembre septiembre settembre set setembro",
    "october oktober oct okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dezember dec dez décembre déc diciembre dic dicembre dezembro desember des",
)
MONTHS = {name: number for number, names in enumerate(NAMES, 1) for name in names.split()}
NAME = "|".join(sorted(MONTHS, key=len, reverse=True))
ORDINAL = "(?:st|nd|rd|th|er|º|\\.)?"
# Each begins with a digit, so that the search goes from digit to digit, and not in the middle of a number.
FIRST = r"\d(?<!\d\d)"
DIGITS = re.compile(rf"({FIRST}\d{{0,3}})([./-]) ?(\d\d?)\2 ?(\d{{1,4}})")
NAMED = re.compile(
    rf"({FIRST}\d{{0,3}}){ORDINAL}[ -]?(?:of |de |den )?({NAME})\b\.?,?[ -]?(?:of |de |del )?"
    rf"(\d{{4}}|'?\d{{2}}|\d)(?!\d)"
)
AFTER_NAME = re.compile(
    rf"({FIRST}(?<=[^\W\d_][. -]\d|[.][ -]\d)\d?){ORDINAL}(?:, ?|[ -])(?=(\d{{4}}|'?\d{{2}})(?!\d))"
)
NAME_BEFORE = re.compile(rf"({NAME})\.?[ \n-]?\Z")
CJK = re.compile(rf"({FIRST}\d{{3}}) ?[年년] ?(\d\d?) ?[月월] ?(\d\d?)(?: ?[日일])?")
COMPACT = re.compile(rf"({FIRST}\d{{3}})(\d\d)(\d\d)")
TIME = re.compile(
    rf"({FIRST}\d?)(?:([:.h])(\d\d)(?:[:.](\d\d))?)?(?:[.,]\d+)?( ?(?:([ap])\.? ?m\b\.?|uhr\b|h\b))?"
)
LONGEST_NAME = max(map(len, MONTHS)) + 2
Reading = tuple[date, Span]
Parts = tuple[str, str, str]


def places(text: str, wanted: Set[date]) -> Iterator[Reading]:
    """Find where days stand in a folded text, in no order."""
    for read in (_digits, _named, _after_name, _cjk, _compact):
        for found, span in read(text):
            if found in wanted and _is_whole(text, *span):
                yield found, span


def days(text: str) -> set[date]:
    """Read a text that is one date and nothing else, in each way that it can be read."""
    whole = folded(text.strip()).text
    if not any(char.isdecimal() for char in whole):
        return set()
    readers = (_digits, _named, _after_name, _cjk)
    return {found for read in readers for found, span in read(whole) if span == (0, len(whole))}


def times(text: str) -> Iterator[time]:
    """Give the times of day that stand in a folded text; 2:30 without am or pm is in the night."""
    for match in TIME.finditer(text):
        hour, separator, minute, second, suffix, half = match.groups()
        if separator in (None, ".") and suffix is None:
            continue  # some other number
        number = int(hour) % 12 + 12 * (half == "p") if half else int(hour)
        if number < 24 and int(minute or 0) < 60 and int(second or 0) < 60:
            yield time(number, int(minute or 0), int(second or 0))


def _digits(text: str) -> Iterator[Reading]:
    for match in DIGITS.finditer(text):
        first, separator, middle, last = match.groups()
        orders: list[Parts] = [(last, middle, first), (last, first, middle)]
        if len(first) == 4 or (separator == "-" and len(first) == len(last) == 2):
            orders = [(first, middle, last), *(orders if len(first) == 2 else [])]
        yield from _dated(orders, match.span())


def _named(text: str) -> Iterator[Reading]:
    for match in NAMED.finditer(text):
        first, name, last = match.groups()
        month = str(MONTHS[name])
        order = (first, month, last) if len(first) == 4 else (last, month, first)
        yield from _dated([order], match.span())


def _after_name(text: str) -> Iterator[Reading]:
    for match in AFTER_NAME.finditer(text):
        start = max(0, match.start() - LONGEST_NAME)
        if name := NAME_BEFORE.search(text[start : match.start()]):
            span = start + name.start(), match.end(2)
            yield from _dated([(match[2], str(MONTHS[name[1]]), match[1])], span)


def _cjk(text: str) -> Iterator[Reading]:
    for match in CJK.finditer(text):
        yield from _dated([(match[1], match[2], match[3])], match.span())


def _compact(text: str) -> Iterator[Reading]:
    for match in COMPACT.finditer(text):
        yield from _dated([(match[1], match[2], match[3])], match.span())


def _dated(orders: list[Parts], span: Span) -> Iterator[Reading]:
    for year, month, day in orders:
        if len(day) > 2 or len(month) > 2:
            continue
        for whole in _years(year.lstrip("'")):
            try:
                yield date(whole, int(month), int(day)), span
            except ValueError:
                continue


def _years(digits: str) -> tuple[int, ...]:
    if len(digits) == 4:
        return (int(digits),)
    return (1900 + int(digits), 2000 + int(digits)) if len(digits) == 2 else ()


def _is_whole(text: str, start: int, end: int) -> bool:
    """Tell whether a date is not part of a longer row of numbers, such as 1.2.2024.5."""
    separators = {char for char in text[start:end] if char in "./-"}
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if any(
        len(pair) == 2 and pair[outer] in separators and pair[1 - outer].isdecimal()
        for pair, outer in ((before, 1), (after, 0))
    ):
        return False
    timed = after[:1] in ("t", "z") and (after[1:].isdecimal() or after[:1] == "z")
    return not cuts(text, start) and (timed or not cuts(text, end))
