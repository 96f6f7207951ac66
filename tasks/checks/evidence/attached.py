"""What may touch a number without being a part of it: currencies, units, ordinal endings, multiples."""

import re
from decimal import Decimal
from functools import cache

from docmill.tasks.checks.evidence.cldr import currencies, multiples
from docmill.tasks.checks.evidence.words import UNSPACED, is_word

BLANKS = " \u00a0\u2007\u2009\u202f"
SIGNS = "‐‑‒–−－﹣-"  # that may stand for a minus; an em dash does not
SYMBOL = "[$€£¥¢₠-₿฿￥＄￡￠￦؋]"
MONEY = rf"(?:[^\W\d_]{{0,3}}{SYMBOL}[A-Z]{{0,2}}|(?<![^\W\d_])[^\W\d_]{{2,4}}\.?)"
# Names of money that are no ISO codes, as they are written at amounts.
NAMES = frozenset(
    re.findall(
        r"\S+",
        "RM Rp Rs Php KSh Ksh TSh USh kr Kr KR zł Zł Kč Ft TL RMB Tk đ лв руб р грн дин ден din lei Lei Fr"
        " SFr Bs FCFA CFA NIS Dh",
    )
)
PREFIXED = "m|g|s|l|L|W|Wh|V|VA|Ah|Hz|Pa|J|eV|Ω|F|mol|bar|bit|b|B|Bq|Sv|lm|cal|t|bps|px|Nm|Wp|C|A|N"
ALONE = (
    "[mgslLtWVAhx]|min|ha|ft|in|yd|mi|mph|kph|oz|lbs?|gal|pt|bar|psi|rpm|dpi|ppm|ppb|fps|dB"
    "|px|kn|Nm|Hz|Pa|eV|bit|VA|Ah|[мглтч]|secs?|hrs?|mos?|yrs?|bps|pp|ea|Std|s?qm"
)
PREFIX = "da|[YZEPTGMkKhdcmµμun]"
LENGTH = "(?:[kdcmµμn]?m|[кдс]?м|ft|in|yd)[23]"
RAISED = "ªº²³¹\u2070-\u207f"
ENDINGS = "st|nd|rd|th|er|ère|[oae]|ste[rnms]?|te[rnms]?|pcs|Stk|Stck"
GOES_ON = rf"[^\W{RAISED}\u3005-\u30ff\u3400-\u9fff\uac00-\ud7ff]"  # letters of words with borders
UNIT = re.compile(rf"(?:{LENGTH}|(?:{PREFIX})(?:{PREFIXED})|{ALONE}|{ENDINGS})(?!{GOES_ON})")
WORD = re.compile(rf"[^\W\d_]{{2,}}(?!{GOES_ON}|[-/]\w)")
FEWEST_LETTERS = 4  # of a word in ASCII: `12abc` is a code
BEHIND = re.compile(rf"[{BLANKS}]?(?:({SYMBOL})|([^\W\d_]{{1,4}})\.?(?!\w))")
MULTIPLE = re.compile(rf"([{BLANKS}]?)([^\W\d_][^\s\d.,;:/|()<>\"'_+-]{{0,19}})")
GLUED = {"k": 3, "K": 3, "M": 6, "B": 9, "bn": 9, "mn": 6, "Mio": 6, "Mrd": 9, "jt": 6}
APART = {"Tsd": 3, "TEUR": 3, "Mds": 9}  # and glued
OF_MONEY = GLUED | {"m": 6, "mm": 6, "MM": 6, "b": 9, "tn": 12, "T": 3}  # `$5m` are no metres
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
    return bool(UNIT.match(text, end)) or money_behind(text, end) > end or _is_named(text, end)


def _is_named(text: str, end: int) -> bool:
    """Tell whether a word touches a number, such as `45sec`; what is no word is part of a code."""
    match = WORD.match(text, end)
    if match is None or match[0].casefold() in _multiples() or match[0] in GLUED | APART:
        return False
    return match[0][1:].islower() and (len(match[0]) >= FEWEST_LETTERS or not match[0].isascii())


def multiplied(text: str, end: int, *, is_money: bool = False) -> tuple[frozenset[Decimal], int]:
    """Give what a number, maybe one of money, is to be multiplied by, as its words say, and their end."""
    if exponent := EXPONENT.match(text, end):
        return frozenset({Decimal(10) ** int(exponent[1])}), exponent.end()
    match = MULTIPLE.match(text, end)
    if match is None:
        return frozenset(), end
    word = match[2]
    bare = re.sub(rf"{SYMBOL}\Z", "", word)  # 3M€
    letters = OF_MONEY if bare != word or (is_money and not match[1]) else {} if match[1] else GLUED
    if power := (letters | APART).get(bare):
        return frozenset({Decimal(10) ** power}), match.end()
    if UNSPACED.match(word) and (powers := _multiples().get(word[0])):
        behind = match.start(2) + 1
        return (frozenset(), end) if text[behind : behind + 1].isdecimal() else (powers, behind)
    powers = _multiples().get(word.casefold(), frozenset()) if match[1] or len(word) > 2 else frozenset()
    return powers, match.end() if powers else end


@cache
def _multiples() -> dict[str, frozenset[Decimal]]:
    return multiples()
