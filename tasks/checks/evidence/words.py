"""Where a token ends: what stands for itself in a text, and what is part of something longer."""

import re
import unicodedata

# Written without spaces, or with particles at their words: each character may begin and end a word.
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u9fff\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]"
)
WITHIN_NUMBERS = ".,'’"
WITHIN_ADDRESSES = ".-+_@"


def is_word(char: str) -> bool:
    """Tell whether a character is part of a word that has borders."""
    if char.isascii():
        return char.isalnum() or char == "_"
    if not char.isalnum() and unicodedata.category(char)[0] != "M":
        return False
    return not UNSPACED.match(char) and not is_raised(char)


def is_raised(char: str) -> bool:
    """Tell whether a character is a superscript: a footnote's mark, or a power."""
    return unicodedata.decomposition(char).startswith("<super>")


def cuts(text: str, at: int) -> bool:
    """Tell whether a token goes on over a place in a text: a word, or a number with its separators."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    if is_word(left) and is_word(right):
        return True
    if left.isdecimal() and right in WITHIN_NUMBERS:
        return text[at + 1 : at + 2].isdecimal()
    return left in WITHIN_NUMBERS and right.isdecimal() and text[max(0, at - 2) : at - 1].isdecimal()


def is_whole(text: str, start: int, end: int) -> bool:
    """Tell whether what stands between two places is not part of a longer token."""
    if cuts(text, start) or cuts(text, end):
        return False
    return "@" not in text[start:end] or not _longer_address(text, start, end)


def _longer_address(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    return any(
        len(pair) == 2 and pair[outer] in WITHIN_ADDRESSES and is_word(pair[1 - outer])
        for pair, outer in ((before, 1), (after, 0))
    )
