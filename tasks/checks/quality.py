"""Whether a page's text can be what stands on it: a broken font map or encoding shows other letters."""

import re
import unicodedata
from typing import Literal

Grade = Literal["good", "fair", "poor"]

GOOD, FAIR = 0.97, 0.9  # of a page's confidence: less is poor, and little is not sent at all
LEAST_LETTERS = 200  # of a page: of fewer nothing can be told
MOST_CHARS = 5000  # of a page that are looked at
LEAST_WORD = 3
MOSTLY = 0.8  # of the words are written as in prose, and of the letters are Latin
LEAST_VOWELS = 0.24  # of the letters of different words: any language has more
LEAST_COMMON = 4  # different words that say that a text, as it is or shifted, is what was meant
LEAST_PROSE = 2  # of them that say that a text is in a language, whatever its vowels
MOST_SHIFTED = 1000  # characters of a page's short words that are tried with every shift
SHIFTS = (*range(-32, 0), *range(1, 33))  # a font's own numbers of its glyphs are often 29 or 31 below
MOST_MOJIBAKE = 0.01  # of the letters: German has 0.015 umlauts
WORD = re.compile(r"(?<![\w.@/-])[^\W\d_]{2,}(?![\w@/-])")
VOWELS = frozenset("aeiouyœæøıəɛ")
# UTF-8 that was read as Latin-1 or Windows-1252: two letters for one with an accent, three for a quote.
MOJIBAKE = re.compile("[ÃÂÄÅ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€[\x80-\xbf™œ\x9d“”¦˜]")
# Short words that stand on any page of prose, of the languages of Europe.
COMMON = frozenset(
    re.findall(
        r"\S+",
        "the and for with that der die das und ist von mit auf les des est pour dans sur une los las que por"
        " con para una het een van voor che per del non och att det som til ikke nie jest dla się pro jako"
        " hogy egy har sind dem den ein eine has are shall was not avant qui",
    )
)
LONGEST_COMMON = max(map(len, COMMON)) + 2  # with a bracket before it and a comma behind
# What each character stands for in a text that is shifted; those beyond are never a letter of COMMON.
TABLES = tuple(
    {code: max(code + by, 33) for code in range(0x180) if not chr(code).isspace()} for by in SHIFTS
)


def grade(confidence: float) -> Grade:
    """Give a grade to text that was recognized with this confidence, 0 to 1."""
    return "good" if confidence >= GOOD else "fair" if confidence >= FAIR else "poor"


def is_garbled(text: str) -> bool:
    """Say whether the letters of a page cannot be those that it shows."""
    shown = text[:MOST_CHARS]
    letters = _letters(shown)
    if letters < LEAST_LETTERS:
        return False
    if _is_misread(shown, letters):
        return True
    common = _common(shown)
    if common >= LEAST_COMMON:
        return False
    return _is_shifted(shown, common) or (common < LEAST_PROSE and _has_no_vowels(shown))


def is_mojibake(text: str) -> bool:
    """Say whether a text was UTF-8, was read in another encoding, and was kept so."""
    shown = text[:MOST_CHARS]
    letters = _letters(shown)
    return letters >= LEAST_LETTERS and _is_misread(shown, letters)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _is_misread(text: str, letters: int) -> bool:
    return len(MOJIBAKE.findall(text)) > MOST_MOJIBAKE * letters


def _common(text: str) -> int:
    """Count the different words that stand on any page of prose."""
    return len(COMMON & set(WORD.findall(text.casefold())))


def _is_shifted(text: str, common: int) -> bool:
    """Say whether each letter stands for one that is as far from it as every other from its own."""
    tokens = dict.fromkeys(token for token in text.split() if len(token) <= LONGEST_COMMON)
    short = " ".join(tokens)[:MOST_SHIFTED]
    least = max(LEAST_COMMON, 3 * common)
    return any(_common(short.translate(table)) >= least for table in TABLES)


def _has_no_vowels(text: str) -> bool:
    """Say whether words, written as prose is, lack the vowels of every language."""
    words = {word for word in WORD.findall(text) if len(word) >= LEAST_WORD}
    bases = [_base(char) for char in "".join(words)]
    latin = [base for base in bases if base.isascii() or base in VOWELS]
    prose = sum(word[1:].islower() for word in words) >= MOSTLY * len(words)
    enough = len(latin) >= max(LEAST_LETTERS, MOSTLY * len(bases))
    return prose and enough and sum(base in VOWELS for base in latin) < LEAST_VOWELS * len(latin)


def _base(char: str) -> str:
    return unicodedata.normalize("NFKD", char)[0].casefold()[0]
