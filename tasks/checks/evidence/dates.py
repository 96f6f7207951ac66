"""Dates and times in texts, by the day and the minute, however they are written."""

import re
from collections.abc import Iterator, Set
from datetime import date, time

from docmill.tasks.checks.evidence.cldr import months
from docmill.tasks.checks.evidence.folding import Span, folded
from docmill.tasks.checks.evidence.words import cuts

KANJI = r"\u3005-\u30ff\u3400-\u9fff\uac00-\ud7ff"
WORD = rf"[^\W\d_{KANJI}][^\s\d,;:/|()\[\]{{}}<>\"_{KANJI}-]{{1,23}}?"
ORDINAL = '(?:st|nd|rd|th|er|º|o|e|\\.| m\\.| g\\.|[»"])?'
OF = "(?:of |day of |de |den |the |d'|ngày )?"
# Each begins with a digit, so that the search goes from digit to digit, and not in the middle of a number.
FIRST = r"\d(?<!\d\d)"
DIGITS = re.compile(rf"({FIRST}\d{{0,3}})([./-]) ?(\d\d?)\2 ?('?\d{{1,4}})")
YEAR = r"(?:\d{4}|'?\d{2})(?!\d)"
SPACED = re.compile(rf"({FIRST}\d?) ([./-]) (\d\d?) \2 (\d{{4}})")  # as forms have it
CLOCKED = r"(?:\d\d:\d\d(?::\d\d)? (?:[a-z]{3,4} )?)?"  # as Unix writes dates
# What follows the number is looked at alone: `Nr. 4711 vom 12. Mai 2024`.
NAMED = re.compile(
    rf"({FIRST}\d{{0,3}}){ORDINAL}[ /-]?{OF}"
    rf"(?=({WORD})\.?,?[ /-]?(?:of |de |del )?(\d{{4}}|'?\d{{2}}|\d)(?!\d))"
)
AFTER_NAME = re.compile(
    rf"({FIRST}(?<=[^\s\d][. -]\d|[.e][ -]\d)\d?){ORDINAL}(?:, ?|[ -]){CLOCKED}(?=({YEAR}))"
)
NAME_BEFORE = re.compile(rf"({WORD})\.?[ \n-]?(?:the )?\Z")
AND = r"(?:st|nd|rd|th|\.)? ?(?:-|/|to|and|&|bis|und|au|et|al|y|e) ?"
RANGED = re.compile(
    rf"({FIRST}\d?){AND}(?=\d\d?{ORDINAL}[ -]?{OF}({WORD})\.?,?[ -]?(?:of |de |del )?(\d{{4}})(?!\d))"
)
RANGED_AFTER = re.compile(rf"({FIRST}\d?){AND}(\d\d?)(?:st|nd|rd|th)?,? (\d{{4}})(?!\d)")
VIETNAMESE = re.compile(rf"({FIRST}\d?) tháng (\d\d?),?(?: năm)? (\d{{4}})")
# Where the year stands elsewhere.
SHORT_DIGITS = re.compile(rf"({FIRST}\d)\.(\d\d)\.(?! ?\d)")
SHORT_NAMED = re.compile(
    rf"({FIRST}\d?){ORDINAL}[ -]?{OF}({WORD})(?=[\s.,;:)|]|\Z)(?!\.?,?[ -]?(?:of |de |del )?'?\d)"
)
SHORT_AFTER = re.compile(
    rf"({FIRST}(?<=[^\s\d][. -]\d|[.e][ -]\d)\d?)(?:st|nd|rd|th)?(?![\w%]|[.,:/-]\d|,?[ -]'?\d)"
)
CJK = re.compile(rf"({FIRST}\d{{0,3}}) ?[年년] ?(\d\d?) ?[月월] ?(\d\d?)(?: ?[日일])?")
COMPACT = re.compile(rf"({FIRST}\d{{3}})(\d\d)(\d\d)")
TIME = re.compile(
    rf"({FIRST}\d?)(?:([:.h])(\d\d)(?:[:.](\d\d))?)?(?:[.,]\d+)?( ?(?:([ap])\.? ?m\b\.?|uhr\b|h\b))?"
)
DAY = re.compile(rf"{FIRST}(?:\d{{7}}|\d?)(?!\d)")  # or a whole date in eight digits
ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "民國": 1911, "民国": 1911, "明治": 1867}
BUDDHIST = 543  # years between the Thai calendar and ours
YEAR_SIGN = re.compile(r"[грr]\.?(?!\w)")  # `2024г.`, `2024r.`
LONGEST_NAME = 32
NO_YEAR_OF_OURS = 2400
WINDOW = 60  # characters that no date is longer than
Months = frozenset[int]
CLOCK = re.compile(r"(?<![\d:])(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?![\d:])")
Reading = tuple[date, Span]
Parts = tuple[str, str, str]


def places(text: str, wanted: Set[date]) -> Iterator[Reading]:
    """Find where days stand in a folded text, in no order."""
    for at, part in _near(text, wanted):
        for read in (*READERS, _compact):
            for found, (start, end) in read(part):
                if found in wanted and _is_whole(text, at + start, at + end):
                    yield found, (at + start, at + end)


def days(text: str) -> set[date]:
    """Read a text that is one date and nothing else, in each way that it can be read."""
    whole = folded(text.strip()).text
    if not any(char.isdecimal() for char in whole):
        return set()
    return {found for read in READERS for found, span in read(whole) if span == (0, len(whole))}


def holds_day(text: str) -> bool:
    """Say whether a date with its year stands in a text."""
    whole = folded(text).text
    return any(True for read in READERS for _ in read(whole))


def without_year(text: str, wanted: Set[date]) -> Iterator[Reading]:
    """Find where days stand in a folded text without their years, if these stand elsewhere in it."""
    years = {day.year for day in wanted}
    said = {year for year in years if re.search(rf"(?<![\w.,]){year}(?![\w]|[.,]\d)", text)}
    of_day: dict[tuple[int, int], list[date]] = {}
    for day in wanted:
        if day.year in said:
            of_day.setdefault((day.month, day.day), []).append(day)
    for at, part in _near(text, {day for days in of_day.values() for day in days}):
        for month, number, (start, end) in _short(part):
            for day in of_day.get((month, number), ()):
                if _is_whole(text, at + start, at + end):
                    yield day, (at + start, at + end)


def _near(text: str, wanted: Set[date]) -> Iterator[tuple[int, str]]:
    """Cut out, each with its place, what is around the numbers of days: to read a whole text takes long."""
    numbers = {day.day for day in wanted} | {int(f"{day:%Y%m%d}") for day in wanted}
    begin = end = 0
    for match in DAY.finditer(text) if wanted else ():
        if int(match[0]) not in numbers:
            continue
        if match.start() - WINDOW > end:
            if end:
                yield begin, text[begin:end]
            begin = max(0, match.start() - WINDOW)
        end = match.end() + WINDOW
    if end:
        yield begin, text[begin:end]


def covers(text: str, start: int, end: int) -> bool:
    """Tell whether the digits between two places of a text as it is are those of a day or a time."""
    begin = max(0, start - WINDOW)
    window = text[begin : end + WINDOW]
    at = len(folded(window[: start - begin]).text)  # a blank at its end is one there, too
    around = folded(window).text
    spans = [span for read in READERS for _, span in read(around)]
    spans += [span for month, _, span in _short(around) if month]
    spans += [match.span() for match in CLOCK.finditer(around)]
    return any(first <= at < last for first, last in spans)


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
    for match in (*DIGITS.finditer(text), *SPACED.finditer(text)):
        first, separator, middle, last = match.groups()
        orders: list[Parts] = [(last, middle, first), (last, first, middle)]
        if len(first) == 4 or (separator == "-" and len(first) == len(last) == 2):
            orders = [(first, middle, last), *(orders if len(first) == 2 else [])]
        yield from _dated(orders, match.span())


def _named(text: str) -> Iterator[Reading]:
    for match in NAMED.finditer(text):
        first, name, last = match.groups()
        for month in _months(name):
            order = (first, str(month), last) if len(first) == 4 else (last, str(month), first)
            yield from _dated([order], (match.start(), match.end(3)))


def _after_name(text: str) -> Iterator[Reading]:
    for match in AFTER_NAME.finditer(text):
        for month, start in _name_before(text, match.start()):
            yield from _dated([(match[2], str(month), match[1])], (start, match.end(2)))


def _ranged(text: str) -> Iterator[Reading]:
    for match in RANGED.finditer(text):
        for month in _months(match[2]):
            yield from _dated([(match[3], str(month), match[1])], (match.start(), match.end(3)))
    for match in RANGED_AFTER.finditer(text):
        for month, start in _name_before(text, match.start()):
            orders = [(match[3], str(month), day) for day in (match[1], match[2])]
            yield from _dated(orders, (start, match.end()))


def _name_before(text: str, end: int) -> Iterator[tuple[int, int]]:
    start = max(0, end - LONGEST_NAME)
    if name := NAME_BEFORE.search(text[start:end]):
        yield from ((month, start + name.start()) for month in _months(name[1]))


def _months(name: str) -> Months:
    return months().numbers.get(name.rstrip("."), frozenset())


def _cjk(text: str) -> Iterator[Reading]:
    for match in CJK.finditer(text):
        year, month, day = match.groups()
        start, end = match.span()
        if len(year) < len("2024"):
            era = text[max(0, start - 3) : start].rstrip()[-2:]
            if era not in ERAS:
                continue
            year, start = str(ERAS[era] + int(year)), text.rindex(era, 0, start)
        yield from _dated([(year, month, day)], (start, end))


def _vietnamese(text: str) -> Iterator[Reading]:
    for match in VIETNAMESE.finditer(text):
        yield from _dated([(match[3], match[2], match[1])], match.span())


def _compact(text: str) -> Iterator[Reading]:
    for match in COMPACT.finditer(text):
        yield from _dated([(match[1], match[2], match[3])], match.span())


def _short(text: str) -> Iterator[tuple[int, int, Span]]:
    """Give month and day of what has no year."""
    for match in SHORT_DIGITS.finditer(text):
        yield int(match[2]), int(match[1]), match.span()
    for match in SHORT_NAMED.finditer(text):
        for month in _months(match[2]) if match[2].rstrip(".") in months().full else ():
            yield month, int(match[1]), match.span()
    for match in SHORT_AFTER.finditer(text):
        for month, start in _name_before(text, match.start()):
            yield month, int(match[1]), (start, match.end())


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
        year = int(digits)
        return (year, year - BUDDHIST) if year > NO_YEAR_OF_OURS else (year,)
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
    if YEAR_SIGN.match(text, end) and text[end - 4 : end].isdecimal():
        return not cuts(text, start)
    timed = after[:1] in ("t", "z") and (after[1:].isdecimal() or after[:1] == "z")
    return not cuts(text, start) and (timed or not cuts(text, end))


READERS = (_digits, _named, _after_name, _ranged, _cjk, _vietnamese)
