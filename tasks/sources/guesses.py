"""Which encoding a text without a mark is in: guessed by its letters, and told where another is as likely."""

import re
from itertools import islice
from typing import NamedTuple

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.reasons import Reason

LETTERS = "some letters"
# What offices and the systems before them write; rarer ones would win where a text is short.
CANDIDATES = (
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874"),
    *("iso8859-1", "iso8859-2", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9"),
    *("iso8859-13", "iso8859-15", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "mac-latin2"),
    *("cp437", "cp850", "cp852", "cp857", "cp862", "cp865", "cp866", "cp775", "cp737"),
    *("cp932", "euc_jis_2004", "gb18030", "big5hkscs", "cp949"),
)
USUAL = ("cp1252", "iso8859-1")
NEAR = 0.4  # of the best one's confidence: others are not looked at
AS_LIKELY = 0.97
MORE_PLAUSIBLE = 1.1
MOST_ODD = 0.1  # of the letters that are not ASCII, where there are enough of them
ENOUGH = 20
LATIN = "a-zà-öø-ÿA-ZÀ-ÖØ-Þ\\u0100-\\u024f"
OTHER = "\\u0370-\\u06ff"  # Greek, Cyrillic, Hebrew, Arabic
SIGNS = (
    "\\xa0-\\xa9\\xab-\\xac\\xae-\\xb4\\xb6\\xb8\\xb9\\xbb-\\xbf\\xd7\\xf7\\u02c0-\\u02df"
    "\\u201a\\u201c-\\u2021\\u2030-\\u22ff"
)
# What only a wrong encoding puts there: a sign or another script within a word, a capital behind a small
# letter, a control character, a piece of a frame.
ODD = re.compile(
    rf"(?<=[{LATIN}])[{OTHER}]|(?<=[{OTHER}])[{LATIN}]|(?<=[^\W\d_])[{SIGNS}](?=[^\W\d_])"
    rf"|(?<=[a-zß-öø-ÿ\u0430-\u044f\u03b1-\u03c9])[À-ÖØ-ÞŒ\u0410-\u042f\u0391-\u03a9]"
    r"|(?<=[a-z])[\xa1-\xa9\xac\xaf\xb1\xb4\xb6\xb8\xbf\u02c6\u2013\u2014\u2020\u2021](?=\s|$)"
    r"|(?<=[a-z])\u2013(?=[a-z])"
    rf"|[^\W\d_][\u201a\u201e]|[\x80-\x9f\xa4\u2500-\u25ff\ue000-\uf8ff\ufffd]"
)
MOST_WORDS = 50
MOST_WORD_BYTES = 1000
MOST_GUESSES = 12


class Guess(NamedTuple):
    """An encoding with what it makes of the words that are not ASCII, and how likely that is."""

    encoding: str
    words: str
    odd: float  # the share of what only a wrong encoding puts there
    plausible: float
    likely: float  # the same, but that what is usual is more likely where there is little to go by


def likeliest(sample: bytes, missed: Missed) -> str:
    """Name the encoding of a text; raises Unreadable where none can be guessed."""
    guesses = sorted(_guesses(sample), key=lambda guess: guess.likely, reverse=True)
    if not guesses:
        raise Unreadable(Reason.ENCODING)
    best = guesses[0]
    rivals = [
        each
        for each in guesses
        if each.likely >= AS_LIKELY * best.likely or each.plausible >= MORE_PLAUSIBLE * best.plausible
    ]
    unsure = best.odd > MOST_ODD and len(best.words) > ENOUGH
    if unsure or any(each.words != best.words for each in rivals):
        missed.add(LETTERS, Why.ENCODING)
    return best.encoding


def _guesses(sample: bytes) -> list[Guess]:
    import chardet

    found = chardet.detect_all(
        sample,
        ignore_threshold=True,
        include_encodings=CANDIDATES,
        compat_names=False,
        no_match_encoding="cp1252",
    )
    named = [(each["encoding"], each["confidence"]) for each in found[:MOST_GUESSES] if each["encoding"]]
    least = NEAR * max((confidence for _, confidence in named), default=0)
    foreign = islice((word for word in sample.split() if not word.isascii()), MOST_WORDS)
    words = b" ".join(foreign)[:MOST_WORD_BYTES]
    return [_weighed(words, encoding, confidence) for encoding, confidence in named if confidence >= least]


def _weighed(words: bytes, encoding: str, confidence: float) -> Guess:
    """Make an encoding less likely by what is odd about the words that it gives."""
    text = words.decode(encoding, "replace").removesuffix("\ufffd")
    others = max(1, sum(not char.isascii() for char in text))
    odd = sum(1 for _ in ODD.finditer(text)) / others
    plausible = confidence * max(0.0, 1 - 2 * odd)
    return Guess(encoding, text, odd, plausible, plausible * (1 + 1 / others if encoding in USUAL else 1))
