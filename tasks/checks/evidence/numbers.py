"""Numbers in texts, by their value: whatever their separators, signs, currency or percent sign."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from decimal import Decimal
from unicodedata import decimal

from docmill.tasks.checks.evidence.attached import SIGNS, SYMBOL, is_apart, is_money, multiplied
from docmill.tasks.checks.evidence.dates import covers
from docmill.tasks.checks.evidence.folding import Span
from docmill.tasks.checks.evidence.signs import PERCENT, SIGN, signs

SPACES = " \u00a0\u2007\u2009\u202f"
NO_BREAK = tuple(SPACES[1:])
SEPARATORS = ".,'’٫٬，．"
PLAIN = str.maketrans({"’": "'", "٬": "'", "٫": ".", "，": ",", "．": ".", **dict.fromkeys(SPACES, " ")})
NO_SEPARATORS = str.maketrans("", "", SEPARATORS + SPACES)
RUN = re.compile(rf"\d(?:\d|[{SEPARATORS}](?=\d))*")
FIRST_GROUP = re.compile(r"\d{3}(?!\d)")
NEXT_GROUP = re.compile(rf"[{SPACES}]\d{{3}}(?:[.,٫]\d+)?(?!\d|[{SEPARATORS}]\d)")
BETWEEN = re.compile("[.,' ]")
DATE = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}")
LEADING_POINT = re.compile(rf"(?:^|[\s(]|{SIGN}|{SYMBOL})[.,]\Z")  # .5, but not the cell of "Ada",5
MONEY_BEFORE = re.compile(rf"{SYMBOL}[{SPACES}]?\Z")
LEFT = re.compile(rf"{SIGN}?\s?([^\W\d_]*[^\w\s+-]?[^\W\d_]{{0,2}}\.?)\s?{SIGN}?")
MONEY_CHARS = 8
DAY_DIGITS = 2  # longer numbers are no days, and years may be amounts
GROUP = 3
MAX_DIGITS = 28  # what Decimal keeps of a number; longer ones are compared as texts alone
MAX_TRIES = 100_000
MAX_LOOKS = 10_000  # at what stands around a short number; what is not found by then counts as absent
Places = dict[Decimal, list[Span]]


def places(text: str, wanted: Mapping[Decimal, int]) -> Places:
    """Find where numbers stand in a text, each as often as it is wanted, in the text's order."""
    found: Places = {value: [] for value in wanted}
    digits = {value: _significant(value) for value in wanted}
    open_, looks = set(digits.values()), 0
    left = Counter(digits.values())
    for tries, (start, end) in enumerate(_candidates(text, open_), 1):
        read = [
            (value, span)
            for value, span in readings(text, start, end)
            if value in found and len(found[value]) < wanted[value] and span not in found[value]
        ]
        if read and end - start <= DAY_DIGITS:  # the number of a day is no amount
            looks += 1
            if looks > MAX_LOOKS or covers(text, start, end):
                continue
        for value, span in read:
            if len(found[value]) < wanted[value] and span not in found[value]:
                found[value].append(span)
                left[digits[value]] -= len(found[value]) == wanted[value]
                if not left[digits[value]]:  # in place: no more candidates of what is found often enough
                    open_.discard(digits[value])
        if tries == MAX_TRIES or not open_:
            break
    return found


def values(text: str) -> set[Decimal]:
    """Read a text that is one number and nothing else, in each way that it can be read."""
    stripped = text.strip()
    first, last = re.search(r"\d", stripped), re.search(r"\d(?=\D*\Z)", stripped)
    if first is None or last is None:
        return set()
    left, right = (
        stripped[: first.start()].removeprefix("("),
        stripped[last.end() :].removesuffix(")").strip(),
    )
    before = LEFT.fullmatch(left) if len(left) <= MONEY_CHARS else None
    behind = right.rstrip(SIGNS)
    alone = not behind or PERCENT.fullmatch(behind) or (len(behind) <= MONEY_CHARS and is_money(behind))
    alone = alone or multiplied(stripped, last.end())[1] == len(stripped)
    if not alone or before is None or not (before[1] in ("", ".", ",") or is_money(before[1])):
        return set()
    return {value for value, _ in readings(stripped, first.start(), last.end())}


def readings(text: str, start: int, end: int) -> Iterator[tuple[Decimal, Span]]:
    """Read the digits between two places of a text in each way, with what stands around them."""
    leading = "0" if LEADING_POINT.search(text[max(0, start - 2) : start]) else ""
    start -= len(leading)
    values = _values(leading + plain(text[start:end]))
    if not values or _goes_on(text, start, end):
        return
    is_money = MONEY_BEFORE.search(text[max(0, start - 2) : start]) is not None
    powers, behind = multiplied(text, end, is_money=is_money)
    apart = is_apart(text, end) and not (is_money and powers and text[end : end + 1].isalpha())
    signed = signs(text, start, end) if powers or apart else []
    percent = PERCENT.match(text, end)
    for sign, span in signed:
        for value in values:
            for power in powers:
                yield sign * value * power, (span[0], max(span[1], behind))
            if apart:
                yield sign * value, span
            if percent:
                yield sign * value / 100, span


def _goes_on(text: str, start: int, end: int) -> bool:
    """Tell whether digits are a part of a longer number with no-break spaces."""
    behind = text[start - 1 : start] in NO_BREAK and text[start - 2 : start - 1].isdecimal()
    if behind and FIRST_GROUP.match(text, start):
        return True
    return text[end : end + 1] in NO_BREAK and NEXT_GROUP.match(text, end) is not None


def _candidates(text: str, wanted: Set[str]) -> Iterator[Span]:
    """Give what may be one of the wanted numbers, by their significant digits."""
    begins = {digits[:length].rstrip("0") for digits in wanted for length in range(len(digits) + 1)}
    for match in RUN.finditer(text):
        run, start = match[0], match.start()
        bare = run.isdecimal()
        digits = run if bare else run.translate(NO_SEPARATORS)
        if _stripped(digits) in wanted:
            yield match.span()
        if not bare:
            yield from _cells(text, run, start, wanted)
        elif len(run) <= GROUP:
            yield from _groups(text, start, match.end(), wanted, begins)


def _groups(text: str, start: int, end: int, wanted: Set[str], begins: Set[str]) -> Iterator[Span]:
    """Add to a number the groups of three digits that follow it, each after a space."""
    digits = text[start:end]
    while _stripped(digits) in begins and (group := NEXT_GROUP.match(text, end)):
        end = group.end()
        digits += group[0].translate(NO_SEPARATORS)
        if _stripped(digits) in wanted:
            yield start, end
        if end - group.start() > GROUP + 1 or len(digits) > MAX_DIGITS:
            return


def _cells(text: str, run: str, start: int, wanted: Set[str]) -> Iterator[Span]:
    """Take `3,12.50,37.50` and `31.12.2024` apart: they are no numbers, or there are cells beside them."""
    if DATE.fullmatch(run):  # of which the year alone may be an amount
        at = run.rindex(".") + 1
        if len(run) - at > DAY_DIGITS and _stripped(run[at:]) in wanted:
            yield start + at, start + len(run)
    if "," not in run:
        return
    cells = run.split(",")
    digits = [_stripped(each.translate(NO_SEPARATORS)) for each in cells]
    if wanted.isdisjoint(digits) or not _is_row(text, run, start):
        return
    at = start
    for cell, significant in zip(cells, digits, strict=True):
        if significant in wanted:
            yield at, at + len(cell)
        at += len(cell) + 1


def _is_row(text: str, run: str, start: int) -> bool:
    end = start + len(run)
    beside = text[start - 1 : start] in ("[", ",") or re.match(r",\S|\]", text[end : end + 2])
    return bool(beside) or not _values(plain(run))


def _values(token: str) -> set[Decimal]:
    read: set[Decimal] = set()
    if len(token) > 2 * MAX_DIGITS:
        return read
    groups, separators = BETWEEN.split(token), BETWEEN.findall(token)
    if len("".join(groups)) > MAX_DIGITS or not all(map(str.isdecimal, groups)):
        return read
    if len(set(separators)) <= 1 and _grouped(groups):
        read.add(Decimal("".join(groups)))
    if separators and separators[-1] in ".," and separators[-1] not in separators[:-1]:
        whole = groups[:-1]
        if len(set(separators[:-1])) <= 1 and _grouped(whole):
            read.add(Decimal(f"{''.join(whole)}.{groups[-1]}"))
    return read


def _grouped(groups: list[str]) -> bool:
    """Tell whether groups of digits make one whole number, as the world or as India groups them."""
    first, *others = groups
    if not others:
        return True
    inner = {len(each) for each in others[:-1]}
    return len(first) <= 3 and first[0] != "0" and len(others[-1]) == 3 and inner in (set(), {3}, {2})


def plain(token: str) -> str:
    """Write digits and separators of any script in those of ASCII."""
    if token.isascii():
        return token
    return "".join(str(decimal(char)) if char.isdecimal() else char for char in token.translate(PLAIN))


def _stripped(digits: str) -> str:
    return (digits if digits.isascii() else plain(digits)).strip("0")


def _significant(value: Decimal) -> str:
    return "".join(map(str, value.as_tuple().digits)).strip("0")
