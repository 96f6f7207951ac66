"""What may touch a number without being a part of it: currencies, units, ordinal endings, multiples."""

import re
from decimal import Decimal
from functools import cache

from docmill.tasks.checks.evidence.cldr import currencies, multiples
from docmill.tasks.checks.evidence.words import is_word

BLANKS = " \u00a0\u2007\u2009\u202f"
SIGNS = "‐‑‒–−－﹣-"  # that may stand for a minus; an em dash does not
SYMBOL = "[$€£¥¢₠-₿฿￥＄￡￠￦؋]"
MONEY = rf"(?:[^\W\d_]{{0,3}}{SYMBOL}[A-Z]{{0,2}}|(?<![^\W\d_])[^\W\d_]{{2,4}}\.?)"
# Names of money that are no ISO codes, as they are written at amounts.
NAMES = frozenset(
    re.findall(
        r"\S+",
        "RM Rp Rs KSh Ksh TSh USh kr Kr KR zł Zł Kč Ft TL RMB Tk лв руб р грн дин ден din lei Lei Fr SFr Bs"
        " FCFA CFA NIS Dh",
    )
)
PREFIXED = "m|g|s|l|L|W|Wh|V|VA|Ah|Hz|Pa|J|eV|Ω|F|mol|bar|bit|b|B|Bq|Sv|lm|cal|t|bps|px|Nm|Wp|C|A|N"
ALONE = (
    "[mgslLtWVAhx]|min|ha|ft|in|yd|mi|mph|kph|oz|lbs?|gal|pt|bar|psi|rpm|dpi|ppm|ppb|fps|dB"
    "|px|kn|Nm|Hz|Pa|eV|bit|VA|Ah"
)
PREFIX = "da|[YZEPTGMkKhdcmµμun]"
LENGTH = "(?:[kdcmµμn]?m|ft|in|yd)[23]"
RAISED = "ªº²³¹\u2070-\u207f"
ENDINGS = "st|nd|rd|th|er|ère|[oae]|ste[rnms]?|te[rnms]?|pcs|Stk|Stck"
UNIT = re.compile(rf"(?:{LENGTH}|(?:{PREFIX})(?:{PREFIXED})|{ALONE}|{ENDINGS})(?![^\W{RAISED}])")
BEHIND = re.compile(rf"[{BLANKS}]?(?:({SYMBOL})|([^\W\d_]{{1,4}})\.?(?!\w))")
MULTIPLE = re.compile(rf"([{BLANKS}]?)([^\W\d_][^\s\d.,;:/|()<>\"'_+-]{{0,19}})")
GLUED = {"k": 3, "K": 3, "M": 6, "B": 9, "bn": 9, "mn": 6, "Mio": 6, "Mrd": 9}
EXPONENT = re.compile(r"[eE]([+-]?\d{1,3})(?!\w)")


def is_money(word: str) -> bool:
    """Tell whether letters, maybe with a symbol, are a currency."""
    word = word.rstrip(".")
    return re.search(SYMBOL, word) is not None or word in NAMES or word in currencies() or word == "eur"


def money_behind(text: str, end: int) -> int:
    """Give where a currency ends that follows a number, maybe after a blank; its end where none does."""
    match = BEHIND.match(text, end)
    return match.end() if match and (match[1] or is_money(match[2])) else end


def is_apart(text: str, end: int) -> bool:
    """Tell whether a number ends here, and what follows it is no part of it."""
    char = text[end : end + 1] or " "
    if not is_word(char):
        return char.isascii() or char not in _multiples()  # `3千` is not 3
    if char == "_":  # the mark of emphasis
        return not is_word(text[end + 1 : end + 2] or " ")
    return bool(UNIT.match(text, end)) or money_behind(text, end) > end


def multiplied(text: str, end: int) -> tuple[frozenset[Decimal], int]:
    """Give what a number is to be multiplied by, as its words say, and where they end."""
    if exponent := EXPONENT.match(text, end):
        return frozenset({Decimal(10) ** int(exponent[1])}), exponent.end()
    match = MULTIPLE.match(text, end)
    if match is None:
        return frozenset(), end
    word = match[2]
    if not match[1] and word in GLUED:
        return frozenset({Decimal(10) ** GLUED[word]}), match.end()
    if not word.isascii() and (powers := _multiples().get(word[0])):  # written without spaces
        behind = match.start(2) + 1
        return (frozenset(), end) if text[behind : behind + 1].isdecimal() else (powers, behind)
    powers = _multiples().get(word.casefold(), frozenset()) if match[1] else frozenset()
    return powers, match.end() if powers else end


@cache
def _multiples() -> dict[str, frozenset[Decimal]]:
    return multiples()
