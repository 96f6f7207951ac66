"""Other ways to write a string: with other blanks in its numbers, over lines or with commas, as a link."""

import re

FEWEST_DIGITS, MOST_CHARS = 6, 40
FEWEST_BARE_DIGITS = 9  # of a code without a letter: `2019 2020` are two numbers
LONGEST_VALUE = 500
CODE = re.compile(r"(?=.*\d)[0-9a-z]+(?: [0-9a-z]+)*")
BARE = re.compile(r"\d+(?:[ -]\d+)*")  # of a card, of a book
PHONE = re.compile(r"[+(0][0-9 ()./-]+")
LETTERS_OF_CODE = 4  # that stand together without a digit, such as those of a bank
PUNCTUATION = " ()./-"
GAP = r"\]?(?:\([^()\s]{1,500}\))?[ \n](?:> ?)*\[?"  # also where a link ends or begins, and in what is quoted
BREAK = r"(?:,? ?\n(?:> ?)*|, | [·•] )"
SEPARATOR = re.compile(r"(,? *\n *|, | )")
QUANTITY = re.compile(r"(\d+(?:[.,]\d+)*)([^\W\d_]+|[°%€$£])[²³23]?")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def pattern(value: str) -> re.Pattern[str] | None:
    """Give a pattern of a folded string in its other spellings; None where there are none."""
    if len(value) > LONGEST_VALUE:
        return None
    return _of_code(value) or _of_phrase(value)


def _of_code(value: str) -> re.Pattern[str] | None:
    """Write a code or a phone's number with other blanks; no digits before or after it on its line."""
    is_phone = PHONE.fullmatch(value) is not None
    is_bare = BARE.fullmatch(value) is not None
    if not (is_phone or is_bare) and (not CODE.fullmatch(value) or any(map(_is_word, value.split()))):
        return None
    signs = value.translate(str.maketrans("", "", PUNCTUATION if is_phone else " -" if is_bare else " "))
    fewest = FEWEST_BARE_DIGITS if signs.isdecimal() and not is_phone else FEWEST_DIGITS
    if len(signs) > MOST_CHARS or sum(map(str.isdecimal, signs)) < fewest:
        return None
    between = r"[ ()./-]{0,2}" if is_phone else "[ -]?" if is_bare else " ?"
    before = r"(?<![\w+])(?<!\d[ ./-])" if signs[0].isdecimal() else r"(?<![\w+])"
    return re.compile(before + between.join(map(re.escape, signs)) + r"(?!\w|[ ./-]\d)")


def _is_word(part: str) -> bool:
    return part.isalpha() and len(part) > LETTERS_OF_CODE


def _of_phrase(value: str) -> re.Pattern[str] | None:
    parts = SEPARATOR.split(value)
    words, separators = parts[::2], parts[1::2]
    written = _word(words[0])
    for before, separator, word in zip(words, separators, words[1:], strict=False):
        if separator == " ":
            is_quantity = NUMBER.fullmatch(before) and QUANTITY.fullmatch(before + word)
            written += f"(?:{GAP})?" if is_quantity else GAP
        else:
            written += BREAK if "," in separator else f"(?:{BREAK}| )"
        written += _word(word)
    return re.compile(written) if written != re.escape(value) else None


def _word(word: str) -> str:
    quantity = QUANTITY.fullmatch(word)
    return f"{re.escape(quantity[1])} ?{re.escape(word[quantity.end(1) :])}" if quantity else re.escape(word)
