"""The table that dates, money and large numbers are read by; `python -m tests.support.cldr` writes it."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from unicodedata import category, normalize

from babel import Locale
from babel.core import get_cldr_version, get_global

from docmill.tasks.checks.evidence.cldr import FILE
from docmill.tasks.checks.evidence.folding import folded

NOTICE = (
    "Data of CLDR {}, copyright 1991-2026 Unicode, Inc., under the Unicode License V3 (SPDX: Unicode-3.0)."
)
LANGUAGES = re.findall(
    r"\w+",
    "en en_GB de de_AT fr es it nl pt da nb nn sv fi is et lv lt pl cs sk sl hr bs sr sr_Latn mk bg ro hu"
    " sq el ru uk be tr az ca gl eu cy ga mt he ar fa hi bn ur ta id ms fil sw th vi ka hy kk uz af",
)
COUNTING = ("en_IN", "zh", "zh_Hant", "ja", "ko")  # more, of which the words for large numbers are read
MORE_POWERS = {"千": 3}
MORE_MONTHS = {"sept": 9, "mrz": 3, "jän": 1}  # that CLDR does not have
BEFORE_MONTHS = {"he": "ב"}  # prepositions that are written as a part of the name
SHORTEST = 3  # letters of a short form: others, such as `t`, are units too
OTHER_WORDS = ("min", "bin", "bill", "tri", "bio")  # which are no numbers to most of those who write
MONTHS_A_YEAR = range(1, 13)
POWER = re.compile(r"\u200f?(0+)\s?(?:de )?([^\W\d_][^\s0.'\u200f]*)(?:'?\.'?)?")


def table() -> dict[str, Any]:
    """Give what the file has, as Babel's CLDR says it today."""
    numbers: dict[str, set[int]] = defaultdict(set)
    full = set()
    for name, number, is_full in _names():
        numbers[name].add(number)
        if is_full:
            full.add(name)
    for name, number in MORE_MONTHS.items():
        numbers[name].add(number)
    for name in list(numbers):
        for bare in _without_accents(name) - numbers.keys():
            numbers[bare] = numbers[name]
    return {
        "notice": NOTICE.format(get_cldr_version()),
        "full months": _by_number({name: each for name, each in numbers.items() if name in full}),
        "short months": _by_number({name: each for name, each in numbers.items() if name not in full}),
        "currencies": sorted(_currencies()),
        "powers of ten": _by_number(_powers()),
    }


def _without_accents(name: str) -> set[str]:
    """Write a name of Latin or Greek letters as in capitals, and as hurried people do."""
    parts = normalize("NFD", name)
    if not parts[:1].isascii() and not "\u0370" <= parts[:1] < "\u0400":
        return set()
    bare = "".join(char for char in parts if category(char) != "Mn")
    return {bare, normalize("NFC", parts.replace("\u0301", ""))}


def _by_number(named: dict[str, set[int]]) -> dict[str, list[str]]:
    numbers = sorted({number for each in named.values() for number in each})
    return {str(number): sorted(name for name, each in named.items() if number in each) for number in numbers}


def written() -> str:
    """Give the text of the file."""
    return json.dumps(table(), ensure_ascii=False, indent=1) + "\n"


def _currencies() -> set[str]:
    territories = get_global("territory_currencies").values()
    return {code for rows in territories for code, _, end, tender in rows if end is None and tender}


def _powers() -> dict[str, set[int]]:
    """Give the powers of ten by name; English goes first where a word means another number elsewhere."""
    found: dict[str, set[int]] = defaultdict(set)
    english: set[str] = set()
    for locale in map(Locale.parse, (*LANGUAGES, *COUNTING)):
        for word, power in _powers_of(locale):
            if word not in OTHER_WORDS and (locale.language == "en" or word not in english):
                found[word].add(power)
        if locale.language == "en":
            english |= found.keys()
    for word, power in MORE_POWERS.items():
        found[word].add(power)
    return found


def _powers_of(locale: Locale) -> Iterator[tuple[str, int]]:
    """Read `00 million` at 10000000 as: a million is the sixth power."""
    for length in ("long", "short"):
        for forms in locale.compact_decimal_formats.get(length, {}).values():
            for number, pattern in forms.items():
                match = POWER.fullmatch(pattern.pattern)
                if match and (len(match[2]) >= SHORTEST or not match[2].isascii()):
                    yield match[2].casefold(), len(str(number)) - len(match[1])


def _names() -> Iterator[tuple[str, int, bool]]:
    for locale in map(Locale.parse, LANGUAGES):
        prefixes = {"", BEFORE_MONTHS.get(locale.language, "")}
        for context in locale.months.values():
            for width in ("wide", "abbreviated"):
                for number, name in context.get(width, {}).items():
                    plain = folded(name).text.strip(".").removeprefix("d'").removeprefix("de ")
                    if number in MONTHS_A_YEAR and len(plain) > 1 and not any(map(str.isdecimal, plain)):
                        yield from ((prefix + plain, number, width == "wide") for prefix in prefixes)


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
