"""Texts made comparable: NFKC, case, white space and line-break hyphens folded, offsets kept."""

import re
import unicodedata
from bisect import bisect_right
from functools import cached_property, lru_cache
from itertools import islice

Span = tuple[int, int]

# These stand for characters that do not fold one to one; where a text has them, they are WIDE themselves.
WIDE, MARK, IGNORED, SOFT, RAISED = "\ue000", "\ue001", "\ue002", "\ue003", "\ue004"
STAND_INS = (WIDE, MARK, IGNORED, SOFT, RAISED)
ALIKE = {
    **dict.fromkeys("‐‑‒–−", "-"),
    **dict.fromkeys("‘’‛", "'"),
    **dict.fromkeys("“”„‟«»", '"'),
    **dict.fromkeys("İı", "i"),  # Turkish capitals fold to what they are in neither language
}
LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
MAX_SPECIALS = 1_000_000  # that are folded: 20 MB of nothing else take minutes, and a gigabyte
INVISIBLE = re.compile("[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # marks that are not to be seen
COMPOSING = re.compile("[\u1161-\u1175\u11a8-\u11c2]")  # vowels and finals of Hangul syllables
GREEK = re.compile("[\u0370-\u03ff\u1f00-\u1fff]")
BLANK = rf"[ \n\t{IGNORED}{SOFT}]"
UNDIVIDED = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # Chinese and Japanese: no blanks between words
)
HAS_UNDIVIDED = re.compile(f"[{UNDIVIDED}]")
LETTER = rf"[^\W_]|{WIDE}|{MARK}"
# Marks of Markdown that are none of a text's letters: of code, and of emphasis.
MARKS = (
    r"`+"
    rf"|\*(?:\*+|(?<![\w{WIDE}]\*)(?=[\w{WIDE}])|(?<=\S\*)(?![\w{WIDE}]))"
    rf"|_(?<![\w{WIDE}]_)_*(?=[^\W_]|{WIDE})|_(?<=[^\W_{WIDE}]_)_*(?![\w{WIDE}])"
)
MARKED = re.compile(MARKS)
# Each alternative begins with a plain character: so a search passes quickly over all others. The length of a
# cluster is bounded, as to order its marks takes quadratic time.
SPECIALS = (
    rf" {BLANK}+|\n{BLANK}+|\t{BLANK}+|{IGNORED}{BLANK}*|{SOFT}{BLANK}*"
    rf"|-(?<=[\w{WIDE}{MARK}]-) *\n{BLANK}*(?=[\w{WIDE}])"
    rf"|{WIDE}{MARK}{{0,30}}|{MARK}{MARK}{{0,30}}|{RAISED}"
    # Marks and escapes of Markdown; and the doubled quotes of CSV.
    rf"|{MARKS}"
    r"|\\[!#()*+\-.<>\[\]\\_`{|}~]"
    r'|""+'
)
SPECIAL = re.compile(SPECIALS)
SPECIAL_UNDIVIDED = re.compile(
    rf"[ \n](?<=[{UNDIVIDED}][ \n])(?:(?<=\n) *| *\n *|)(?=[{UNDIVIDED}])|{SPECIALS}"
)


class Folded:
    """A folded text in pieces, each with its place in the original.

    `widths` are the original lengths of pieces that fold as a whole; None where character stands for
    character. `divided` says that a word is divided at the end of a line.
    """

    def __init__(self) -> None:
        self.divided = False
        self._pieces: list[str] = []
        self._length = 0
        self._at: list[int] = []
        self._origins: list[int] = []
        self._widths: list[int | None] = []

    def add(self, piece: str, origin: int, width: int | None = None) -> None:
        """Go on with a piece, unless it is empty."""
        if piece:
            self._pieces.append(piece)
            self._at.append(self._length)
            self._origins.append(origin)
            self._widths.append(width)
            self._length += len(piece)

    @cached_property
    def lines(self) -> str:
        """The whole text with its line ends, when all pieces are there."""
        return "".join(self._pieces)

    @cached_property
    def text(self) -> str:
        """The text with a blank for each end of a line."""
        return self.lines.replace("\n", " ")

    def original(self, start: int, end: int) -> Span | None:
        """Give the place in the original of a part of the text; None where it cuts a character."""
        first = bisect_right(self._at, start) - 1
        last = bisect_right(self._at, end - 1) - 1
        if self._widths[first] is not None and start != self._at[first]:
            return None
        begin = self._origins[first] + start - self._at[first]
        width = self._widths[last]
        if width is None:
            return begin, self._origins[last] + end - self._at[last]
        next_at = self._at[last + 1] if last + 1 < len(self._at) else self._length
        return (begin, self._origins[last] + width) if end == next_at else None


def folded(text: str, hyphen: str = "") -> Folded:
    """Fold a text; `hyphen` is what becomes of a hyphen between letters at the end of a line."""
    simple = text.translate(_TABLE)
    result = Folded()
    cursor = 0
    specials = (SPECIAL_UNDIVIDED if HAS_UNDIVIDED.search(simple) else SPECIAL).finditer(simple)
    for match in islice(specials, MAX_SPECIALS):
        start, end = match.span()
        if simple[start] == MARK and start > cursor and simple[start - 1] not in " \n\t":
            start -= 1  # the letter that they stand on
        result.add(simple[cursor:start], cursor)
        if _is_division(match):
            result.divided = True
            result.add(hyphen, start, end - start)
        else:
            result.add(_folded(match, text[start:end]), start, end - start)
        cursor = end
    result.add(simple[cursor:], cursor)
    return result


def _is_division(match: re.Match[str]) -> bool:
    """Tell whether a word's letters go on after a hyphen at the end of a line, a soft one or another."""
    if match[0][0] not in ("-", SOFT) or "\n" not in match[0]:
        return False
    around = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return all(each.isalpha() or each in (WIDE, MARK) for each in around)


def _folded(match: re.Match[str], raw: str) -> str:
    """Fold a special part of a text, of which `raw` is the original, with the letter that marks stand on."""
    whole, simple, (start, end) = match.string, match[0], match.span()
    match simple[0]:
        case "-" | '"' as kept:
            return kept
        case "*" | "_" | "`":
            return ""
        case "\\":
            bare = (whole[start - 1 : start] or " ") + simple[1] + whole[end : end + 1]
            return "" if MARKED.match(bare, 1) else simple[1]  # as where it is not escaped
        case char if char == RAISED and whole[max(0, start - 1) : start].isdecimal():
            return raw  # a footnote's mark is no digit of the number before it
        case char if char in (WIDE, MARK, RAISED):
            return _cluster(raw)
    if simple[0] in " \n" and HAS_UNDIVIDED.match(whole, end) and HAS_UNDIVIDED.match(whole, start - 1):
        return "" if simple == " " or simple.count("\n") == 1 else " "
    if "\n" in simple:
        return "\n"
    # A tab within a line is the border of a cell.
    return "\t" if "\t" in simple else " " if simple.strip(IGNORED + SOFT) else ""


def _toneless(said: str) -> str:
    """Leave out the accents of Greek, which capitals do not have."""
    if not GREEK.match(said):
        return said
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", said).replace("\u0301", ""))


@lru_cache(maxsize=10_000)
def _cluster(raw: str) -> str:
    return _toneless(unicodedata.normalize("NFKC", raw).casefold().replace("ı", "i").replace("i\u0307", "i"))


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
    whole = _toneless(unicodedata.normalize("NFKC", char).casefold())
    if len(whole) != 1 or whole in STAND_INS:
        return WIDE
    return RAISED if unicodedata.decomposition(char).startswith("<super>") else whole


_TABLE = _Table()
