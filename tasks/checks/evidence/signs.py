"""Whether a number in a text is below zero: what stands before, behind and around it."""

import re

from docmill.tasks.checks.evidence.attached import BLANKS, MONEY, SIGNS, SYMBOL, is_money, money_behind
from docmill.tasks.checks.evidence.folding import Span
from docmill.tasks.checks.evidence.words import is_word

SIGN = rf"[+＋{SIGNS}]"
BEFORE = re.compile(
    rf"(?P<outer>{SIGN}[{BLANKS}]?)?(?P<money>{MONEY}[{BLANKS}]?)(?P<inner>{SIGN}[{BLANKS}]?)?\Z"
    rf"|(?P<alone>{SIGN}[{BLANKS}]?)\Z|\Z"
)
OPENING = re.compile(rf"(?:{MONEY}[{BLANKS}]?)?\(\Z")
ACCOUNTED = re.compile(rf"{SYMBOL}\(\Z")  # `$(88.20)`, also within a sentence
PERCENT = re.compile(r"\s?(?:[%％٪‰]|percent\b|per cent\b|Prozent\b)")
MINUS_WORD = re.compile(r"(?<![\w-])(?<!\d )minus \Z", re.IGNORECASE)
CELL_BEGINS = re.compile(rf"(?:\A|[\n\t|:;=,\"\[{{])[{BLANKS}]?\Z|[{BLANKS}]{{2}}\Z")
CELL_ENDS = re.compile(rf"[{BLANKS}]?(?:\Z|[\r\n\t|;\"\]}}])|[{BLANKS}]{{2}}|,\S")
WRITTEN_OUT = re.compile(r"[.,'’٫]")
LEFT_CHARS = 16
LINE_CHARS = 40
MINUS, PLUS, EITHER = (-1,), (1,), (1, -1)
Signed = list[tuple[int, Span]]


def signs(text: str, start: int, end: int) -> Signed:
    """Say which signs a number may have, each with the whole that is then read; none where it is a part."""
    left = text[max(0, start - LEFT_CHARS) : start]
    sign, begins, outer = _before(left)
    sign_at, outer = start - len(left) + begins, start - len(left) + outer
    if sign is None and _is_part(text, outer):
        return []
    if sign is None:
        return _around(text, outer, start, end)
    if sign[0] in "+＋":
        return [(1, (start, end))]
    meant = _leading(text, sign, outer, _tail(text, end))
    return [(each, (sign_at if each < 0 else start, end)) for each in meant]


def _before(left: str) -> tuple[str | None, int, int]:
    """Read the sign before a number, with its place and that of the whole with its currency."""
    match = BEFORE.search(left)
    assert match is not None  # it may be empty
    if (money := match["money"]) and not is_money(money.strip()):
        match = re.search(rf"(?P<alone>{SIGN}[{BLANKS}]?)?\Z", left)
        assert match is not None
        return match["alone"], match.start(), match.start()
    name = "inner" if money and match["inner"] else "outer" if money and match["outer"] else "alone"
    return match[name], match.start(name) if match[name] else len(left), match.start()


def _is_part(text: str, start: int) -> bool:
    before = text[start - 1 : start] or "\n"
    if before == "_":  # the mark of emphasis
        return is_word(text[start - 2 : start - 1] or " ")
    return is_word(before) or before == "^"


def _leading(text: str, sign: str, outer: int, tail: int) -> tuple[int, ...]:
    """Say what a dash before a number means: a minus, a hyphen, a dash between words, the mark of an item."""
    left = text[max(0, outer - LEFT_CHARS) : outer]
    touching = left[-1:]
    if touching and (touching.isalnum() or touching in ")."):
        return PLUS
    if len(sign) == 1:
        return MINUS
    if not text[max(0, outer - LINE_CHARS) : outer].rpartition("\n")[2].strip():
        return EITHER if CELL_ENDS.match(text, tail) else PLUS
    if CELL_BEGINS.search(left) and left[-2:] != ", ":
        return MINUS
    if left.rstrip(BLANKS)[-1:].isdecimal() or sign[0] == "–":
        return PLUS
    return MINUS if sign[0] in "−－" else EITHER


def _around(text: str, outer: int, start: int, end: int) -> Signed:
    """Read a minus behind a number, and the parentheses of accountants."""
    tail = _tail(text, end)
    plus, minus = (1, (start, end)), (-1, (outer - 1, end))
    if text[outer - 1 : outer] in ("▲", "△", "▼", "▽"):  # in Japan's accounts, or an arrow
        return [plus, minus]
    if word := MINUS_WORD.search(text[max(0, outer - LEFT_CHARS) : outer]):
        return [(-1, (outer - len(word[0]), end))]
    opening = OPENING.search(text[max(0, outer - LEFT_CHARS) : outer])
    if opening and text[tail : tail + 1] == ")" and _is_opening(opening[0]):
        minus = (-1, (outer - 1, tail + 1))
        if ACCOUNTED.search(opening[0]):
            return [minus]
        if not CELL_ENDS.match(text, money_behind(text, tail + 1)):
            return [plus]
        begin = outer - len(opening[0])
        written = tail > end or outer < start or WRITTEN_OUT.search(text[start:end])
        alone = CELL_BEGINS.search(text[max(0, begin - LEFT_CHARS) : begin])
        return [minus] if written and alone else [plus, minus]
    for at in dict.fromkeys((end, tail)):
        if _is_trailing(text, start, end, at):
            return [(-1, (start, at + 1))]
    return [plus]


def _is_opening(before: str) -> bool:
    return before == "(" or is_money(before[:-1].strip())


def _is_trailing(text: str, start: int, end: int, at: int) -> bool:
    """Tell whether a dash behind a number, or behind its currency, is a minus, unlike that of `20- to`."""
    if text[at : at + 1] not in tuple(SIGNS) or text[at] == "–":
        return False
    if CELL_ENDS.match(text, at + 1) or money_behind(text, at + 1) > at + 1:
        return True
    char, following = text[at + 1], text[at + 2 : at + 3]
    if WRITTEN_OUT.search(text[start:end]):
        return char in (*BLANKS, ",", ")")
    return char in tuple(BLANKS) and not following.isalpha()


def _tail(text: str, end: int) -> int:
    """Give where a number ends with its percent sign or currency."""
    percent = PERCENT.match(text, end)
    return percent.end() if percent else money_behind(text, end)
