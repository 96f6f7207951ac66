"""Bytes to characters: which encoding a document is in, decided from its bytes alone."""

import codecs
import re
from unicodedata import category

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.reasons import Reason

BOMS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Where two guesses are as plausible, the earlier one is taken.
GUESSES = (
    *("cp1252", "cp932", "euc_jp", "cp1250", "cp1251", "koi8_r", "gb18030", "big5", "cp949"),
    *("cp1253", "cp1254", "cp1255", "cp1256", "cp866", "iso8859_2", "mac_roman"),
)
AS_PLAUSIBLE = 0.02
# What HTML may declare (encoding.spec.whatwg.org), by Python's names; others are not trusted.
DECLARABLE = re.compile(
    r"utf-8|cp125[0-8]|cp874|cp866|iso8859-\d+|koi8-[ru]|mac-(roman|cyrillic)|ascii"
    r"|gb2312|gbk|gb18030|big5(hkscs)?|euc_jp|iso2022_jp|shift_jis|cp932|euc_kr|cp949"
)
MULTIBYTE = re.compile(r"gb|big5|euc|iso2022|shift|cp9[34]")
# Browsers read these names as the larger encodings that grew from them.
WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
CONTROLS = bytes(byte for byte in range(32) if chr(byte) not in "\t\n\v\f\r\b\x1b") + b"\x7f"
MAX_CONTROLS = 0.05
NOT_SIGNS = bytes(byte for byte in range(256) if not 0x80 <= byte < 0xC0)  # in cp1252 and its relatives
SAMPLE_BYTES = 65536
SIGN_IN_WORD = re.compile(r"(?<=[^\W\d_])[\x80-\xa9\xab-\xb4\xb6\xb8\xb9\xbb-\xbf\u02c0-\u02df](?=[^\W\d_])")


def decode(content: bytes, declared: str | None = None) -> str:
    """Decode a document; `declared` is the encoding that the document itself names, if any.

    Raises Unreadable where the bytes are not text, or in no encoding that can be told.
    """
    for mark, encoding in BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    if (text := _utf16(content)) is not None:
        return text
    if not _mostly_printed(content):
        raise Unreadable(Reason.BINARY)
    named = _declarable(declared)
    if named and MULTIBYTE.match(named) and (text := _strictly(content, named)) is not None:
        return text
    # Text in a one-byte encoding is next to never valid UTF-8, but its declaration is often stale.
    if (text := _utf8(content)) is not None:
        return text
    if named and (text := _strictly(content, named)) is not None:
        return text
    return _signs(content) or _guessed(content)


def _mostly_printed(content: bytes) -> bool:
    return len(content) - len(content.translate(None, CONTROLS)) <= MAX_CONTROLS * len(content)


def _strictly(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _declarable(declared: str | None) -> str | None:
    try:
        name = codecs.lookup(declared or "").name
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return None
    return WIDER.get(name, name) if DECLARABLE.fullmatch(name) else None


def _utf16(content: bytes) -> str | None:
    """Decode UTF-16 without a mark: its spaces and line ends have a zero byte on one side only."""
    sample = content[:SAMPLE_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(content) % 2 or min(even, odd) > 0 or max(even, odd) < 0.02 * len(sample) / 2:
        return None
    if _mostly_printed(content) and _strictly(content, "utf-8") is not None:
        return None  # other text with a stray zero byte
    text = _strictly(content, "utf-16-be" if even else "utf-16-le")
    if not text:
        return None
    # Pairs of bytes that are no text make code points that are often no characters.
    unlikely = sum(category(char) in ("Cc", "Cn", "Co") and not char.isspace() for char in text[:4096])
    return text if unlikely < 0.02 * min(len(text), 4096) else None


def _utf8(content: bytes) -> str | None:
    """Decode UTF-8; a few broken bytes, as of a cut file, are replaced."""
    text = content.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if not broken or (whole := _strictly(content, "utf-8")) is not None:
        return text
    sound = sum(not char.isascii() for char in text) - broken
    return text if sound > 3 * broken else whole


def _signs(content: bytes) -> str | None:
    """Decode English with quotes, dashes or a currency: too little for a guess by frequencies."""
    signs = content.translate(None, NOT_SIGNS)
    letters = content.translate(None, bytes(range(0xC0)))
    return None if letters or 2 * len(signs) >= len(content) else _strictly(content, "cp1252")


def _guessed(content: bytes) -> str:
    from charset_normalizer import from_bytes

    matches = from_bytes(content, cp_isolation=list(GUESSES))
    best = matches.best()
    if best is None:
        raise Unreadable(Reason.ENCODING)
    plausible = {
        encoding
        for match in matches
        if match.chaos <= best.chaos + AS_PLAUSIBLE
        for encoding in match.could_be_from_charset
    }
    guesses = [guess for guess in GUESSES if guess in plausible] or [best.encoding]
    encoding = min(guesses, key=lambda guess: _signs_in_words(content[:SAMPLE_BYTES], guess))
    return content.decode(encoding, "replace")


def _signs_in_words(sample: bytes, encoding: str) -> int:
    """Count what stands between letters and is none, which only a wrong encoding puts there."""
    return len(SIGN_IN_WORD.findall(sample.decode(encoding, "replace")))
