"""Texts made comparable: NFKC, case, white space and line-break hyphens folded, offsets kept."""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field

Span = tuple[int, int]

# These stand for characters that do not fold one to one; where a text has them, they are WIDE themselves.
WIDE, MARK, IGNORED, SOFT = "\ue000", "\ue001", "\ue002", "\ue003"
ALIKE = {**dict.fromkeys("‐‑‒–−", "-"), **dict.fromkeys("‘’‛", "'"), **dict.fromkeys("“”„‟", '"')}
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
INVISIBLE = re.compile("[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # marks that are not to be seen
COMPOSING = re.compile("[\u1161-\u1175\u11a8-\u11c2]")  # vowels and finals of Hangul syllables
BLANK = rf"[ \n\t{IGNORED}{SOFT}]"
# Each alternative begins with a plain character: so a search passes quickly over all others. The length of a
# cluster is bounded, as to order its marks takes quadratic time.
SPECIAL = re.compile(
    rf" {BLANK}+|\n{BLANK}+|\t{BLANK}+|{IGNORED}{BLANK}*|{SOFT}{BLANK}*"
    rf"|-(?<=[\w{WIDE}{MARK}]-) *\n{BLANK}*(?=[\w{WIDE}])"
    r"|\*\*+"  # bold, where the text was made of HTML or Word
    rf"|{WIDE}{MARK}{{0,30}}|{MARK}{MARK}{{0,30}}"
)


@dataclass
class Folded:
    """A folded text in pieces, each with its place in the original.

    `widths` are the original lengths of pieces that fold as a whole; None where character stands for
    character. `divided` says that a word is divided at the end of a line.
    """

    text: str = ""
    at: list[int] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    widths: list[int | None] = field(default_factory=list)
    divided: bool = False

    def original(self, start: int, end: int) -> Span | None:
        """Give the place in the original of a part of the text; None where it cuts a character."""
        first = bisect_right(self.at, start) - 1
        last = bisect_right(self.at, end - 1) - 1
        if self.widths[first] is not None and start != self.at[first]:
            return None
        begin = self.origins[first] + start - self.at[first]
        width = self.widths[last]
        if width is None:
            return begin, self.origins[last] + end - self.at[last]
        next_at = self.at[last + 1] if last + 1 < len(self.at) else len(self.text)
        return (begin, self.origins[last] + width) if end == next_at else None


def folded(text: str, hyphen: str = "") -> Folded:
    """Fold a text; `hyphen` is what becomes of a hyphen between letters at the end of a line."""
    simple = text.translate(_TABLE)
    result = Folded()
    parts: list[str] = []
    length = cursor = 0

    def add(part: str, start: int, width: int | None) -> None:
        nonlocal length
        if part:
            parts.append(part)
            result.at.append(length)
            result.origins.append(start)
            result.widths.append(width)
            length += len(part)

    for match in SPECIAL.finditer(simple):
        start, end = match.span()
        if simple[start] == MARK and start > cursor and simple[start - 1] not in " \n\t":
            start -= 1  # the letter that they stand on
        add(simple[cursor:start], cursor, None)
        if _is_division(match):
            result.divided = True
            add(hyphen, start, end - start)
        else:
            add(_folded(match[0], text[start:end]), start, end - start)
        cursor = end
    add(simple[cursor:], cursor, None)
    result.text = "".join(parts).replace("\n", " ")
    return result


def _is_division(match: re.Match[str]) -> bool:
    """Tell whether a word's letters go on after a hyphen at the end of a line, a soft one or another."""
    if match[0][0] not in ("-", SOFT) or "\n" not in match[0]:
        return False
    around = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return all(each.isalpha() or each in (WIDE, MARK) for each in around)


def _folded(simple: str, raw: str) -> str:
    match simple[0]:
        case "-":
            return "-"
        case "*":
            return ""
        case first if first in (WIDE, MARK):
            return unicodedata.normalize("NFKC", raw).casefold()
    # A tab within a line is the border of a cell.
    return "\t" if "\t" in simple and "\n" not in simple else " " if simple.strip(IGNORED + SOFT) else ""


class _Table(dict[int, str]):
    """What each character becomes: what it folds to where that is one character, else a stand-in."""

    def __missing__(self, code: int) -> str:
        self[code] = stand_in = _simple(chr(code))
        return stand_in


def _simple(char: str) -> str:
    if char in ALIKE:
        return ALIKE[char]
    if char.isspace():
        return "\n" if char in LINE_ENDS else "\t" if char == "\t" else " "
    if char == "\u00ad":
        return SOFT
    if unicodedata.category(char) == "Cf" or INVISIBLE.match(char):
        return IGNORED
    first = unicodedata.normalize("NFKD", char)[0]
    if unicodedata.category(first)[0] == "M" or COMPOSING.match(first):
        return MARK
    if first == " ":
        return char  # NFKC makes a space and a mark of ¨ and its like
    whole = unicodedata.normalize("NFKC", char).casefold()
    return whole if len(whole) == 1 and whole not in (WIDE, MARK, IGNORED, SOFT) else WIDE


_TABLE = _Table()
