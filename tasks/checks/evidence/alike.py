"""Values in text that was recognized on a picture, where letters that look alike were taken for each other.

Such a confusion is an edit: `O` for `0`, `l` or `I` for `1`, `S` for `5`, `rn` for `m`, a lost accent, a
blank that is lost or added. A word may have one. In any other text nothing is alike.
"""

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from docmill.schemas.document import Recognized
from docmill.tasks.checks.evidence.folding import Span
from docmill.tasks.checks.evidence.search import Sought, Text
from docmill.tasks.checks.evidence.words import cuts, is_whole

SURE = 0.97  # of a page, 0 to 1: what is alike on it is taken for found
LEAST_LETTERS = 3  # of a value: anything is alike to a shorter one
LEAST_GLUED = 8  # of a value that a word may stand beside without a blank
FEWEST_DIGITS = 6  # of a code
FEWEST_BARE_DIGITS = 9  # of one without a letter: two numbers may stand beside each other
NEVER = 2  # edits: digits with a blank between them may be two numbers
CELL = "\t"  # no value goes on over the border of a cell
LONGEST_WORD = 40
MOST_PLACES = 1000  # of one value that are looked at
TWINS = {"0": "o", "1": "l", "i": "l", "|": "l", "5": "s"}
PAIR, ONE = "rn", "m"
TOKEN = re.compile(r"[\w.,'’|]+")
# One letter in a number; behind it `l` and `S` are units more often than digits.
NEARLY_NUMBER = re.compile(r"(?=.*\d)[\d.,'’]*(?:[oOI|]|[lS](?=[\d.,'’]*\d))[\d.,'’]*")
BEFORE, BEHIND = re.compile(r"(?<!\w)[^\W\d_]{3,}\Z"), re.compile(r"[^\W\d_]{3,}(?!\w)")
DIGITS = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1", "|": "1", "S": "5"})


@dataclass(frozen=True)
class Alike:
    """Where something stands that is alike, and how sure the page's text is, 0 to 1."""

    span: Span
    confidence: float


class _Looks:
    """What a text looks like: a mark for each letter, blanks left out, and what each was."""

    def __init__(self, text: str) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.said: list[str] = []
        self.words: list[int] = []  # of each letter: the number of the word that it stands in
        marks: list[str] = []
        word, at = 0, 0
        while at < len(text):
            if text[at].isspace() and text[at] != CELL:
                word += bool(marks) and self.words[-1] == word
                at += 1
                continue
            said = PAIR if text[at : at + 2].casefold() == PAIR else text[at]
            marks.append(_mark(said))
            self.starts.append(at)
            self.said.append(said.casefold())
            self.words.append(word)
            at += len(said)
            self.ends.append(at)
        self.marks = "".join(marks)


def _mark(said: str) -> str:
    if said.casefold() == PAIR:
        return ONE
    plain = unicodedata.normalize("NFKD", said)[0].casefold()
    return TWINS.get(plain[0], plain[0])


class Recognition:
    """The parts of a text that were recognized, made ready for searches when one is needed."""

    def __init__(self, text: str, parts: Sequence[Recognized]) -> None:
        self._text = text
        self._parts = sorted((part for part in parts if part.start < part.end), key=lambda part: part.start)

    def find(self, wanted: Iterable[Sought]) -> dict[Sought, Alike]:
        """Find what looks like each, the first place of it; what does not is left out."""
        found: dict[Sought, Alike] = {}
        for each in wanted if self._parts else ():
            at = self._as_number(each) or next(self._as_letters(each), None)
            if at:
                found[each] = at
        return found

    def _as_letters(self, each: Sought) -> Iterator[Alike]:
        value = _Looks(each.joined)
        if len(value.marks) < LEAST_LETTERS:
            return
        for part, looks in self._looks:
            at = -1
            for _ in range(MOST_PLACES):
                at = looks.marks.find(value.marks, at + 1)
                if at < 0:
                    break
                start, end = looks.starts[at], looks.ends[at + len(value.marks) - 1]
                shown = self._text[part.start : part.end]
                lost = _lost(shown, start, end) if len(value.marks) >= LEAST_GLUED else None
                edges = Counter() if is_whole(shown, start, end) else lost
                if edges is not None and _within_one_edit_a_word(value, looks, at, edges):
                    yield Alike((part.start + start, part.start + end), part.confidence)

    @cached_property
    def _looks(self) -> list[tuple[Recognized, _Looks]]:
        return [(part, _Looks(self._text[part.start : part.end])) for part in self._parts]

    def _as_number(self, each: Sought) -> Alike | None:
        if not (each.days or each.numbers) or self._mended is None:
            return None
        numeric = Sought(days=each.days, numbers=each.numbers, clock=each.clock)
        for start, end in self._mended.find({numeric: MOST_PLACES})[numeric]:
            index = bisect_right(self._parts, start, key=lambda part: part.start) - 1
            if index >= 0 and end <= self._parts[index].end:
                return Alike((start, end), self._parts[index].confidence)
        return None

    @cached_property
    def _mended(self) -> Text | None:
        """The text with a digit for the letter in each token that is a number but for it."""
        mended, at = [], 0
        for part in self._parts:
            begin = max(at, part.start)
            shown = self._text[begin : part.end]
            mended += [self._text[at:begin], TOKEN.sub(_digits, shown)]
            at = max(at, part.end)
        whole = "".join([*mended, self._text[at:]])
        return None if whole == self._text else Text(whole)


def _digits(match: re.Match[str]) -> str:
    token = match[0]
    return token.translate(DIGITS) if NEARLY_NUMBER.fullmatch(token) else token


def _lost(shown: str, start: int, end: int) -> Counter[int] | None:
    """Say at which ends, 0 and -1, a blank to a word beside it is lost; None where it is cut out."""
    before, behind = BEFORE.search(shown, max(0, start - LONGEST_WORD), start), BEHIND.match(shown, end)
    cut_before, cut_behind = cuts(shown, start), cuts(shown, end)
    if (cut_before and not before) or (cut_behind and not behind):
        return None
    return Counter([0] * cut_before + [-1] * cut_behind)


def _within_one_edit_a_word(value: _Looks, looks: _Looks, at: int, edges: Mapping[int, int]) -> bool:
    last = value.words[-1]
    edits = Counter({0: edges.get(0, 0)}) + Counter({last: edges.get(-1, 0)})
    codes = _codes(value)
    for index, said in enumerate(value.said):
        word = value.words[index]
        edits[word] += said != looks.said[at + index]
        if index and word not in codes:  # codes are written in groups of any length
            here, there = value.words[index - 1 : index + 1], looks.words[at + index - 1 : at + index + 1]
            if (here[0] == here[1]) != (there[0] == there[1]):
                edits[word] += NEVER if value.said[index - 1].isdecimal() and said.isdecimal() else 1
    return all(count <= 1 for count in edits.values())


def _codes(value: _Looks) -> set[int]:
    digits = Counter(word for word, said in zip(value.words, value.said, strict=True) if said.isdecimal())
    lettered = {word for word, said in zip(value.words, value.said, strict=True) if said.isalpha()}
    return {
        word
        for word, many in digits.items()
        if many >= (FEWEST_DIGITS if word in lettered else FEWEST_BARE_DIGITS)
    }


def in_doubt(entry: Mapping[str, object]) -> bool:
    """Say whether an entry of evidence is a point for a person: not found, or alike on an unsure page."""
    similar = entry.get("similar")
    return entry["start"] is None or (isinstance(similar, float | int) and similar < SURE)
