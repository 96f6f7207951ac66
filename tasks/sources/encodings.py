"""Bytes to characters: which encoding a document is in, decided from its bytes alone."""

import codecs
import re
from unicodedata import category

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.guesses import likeliest
from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.reasons import Reason

BOMS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
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
GUESSED_BYTES = 8192
LEAST_SOUND = 2  # characters of UTF-8 in a text that is mostly in another encoding
# In cp1252 these stand where older encodings have letters: within a word, or behind one and opening a quote.
FOREIGN_SIGN = re.compile(
    r"[^\W\d_][\xa1-\xa7\u02c6\u201a\u201d\u201e\u2020\u2021][^\W\d_]|[^\W\d_][\u201a\u201e]|[ŠšŽžŸƒ]"
    r"|[a-z]\u2013[a-z]|[a-z][\u2020Œ](?!\w)"
)
# Text in ISO 2022 is ASCII but for what these switch to.
ISO_2022 = (
    (re.compile(rb"\x1b\$[@B]|\x1b\([IJ]"), "iso2022_jp_2"),
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
)


def decode(content: bytes, declared: str | None = None, missed: Missed | None = None) -> str:
    """Decode a document; `declared` is the encoding that the document itself names, if any.

    `missed` is told where characters are lost, or where another encoding is as likely. Raises
    Unreadable where the bytes are not text, or in no encoding that can be told.
    """
    missed = Missed() if missed is None else missed
    for mark, encoding in BOMS:
        if content.startswith(mark):
            return _told(content[len(mark) :].decode(encoding, "replace"), missed)
    if (text := _utf16(content)) is not None:
        return text
    if (text := _iso_2022(content)) is not None:
        return text
    if not _mostly_printed(content):
        raise Unreadable(Reason.BINARY)
    named = _declarable(declared)
    if named and MULTIBYTE.match(named) and (text := _strictly(content, named)) is not None:
        return text
    # Text in a one-byte encoding is next to never valid UTF-8, but its declaration is often stale.
    if (text := _utf8(content, missed)) is not None:
        return text
    if named and (text := _strictly(content, named)) is not None:
        return text
    return _signs(content) or _guessed(content, missed)


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


def _iso_2022(content: bytes) -> str | None:
    for switch, encoding in ISO_2022:
        if switch.search(content):
            return _strictly(content, encoding)
    return None


def _utf8(content: bytes, missed: Missed) -> str | None:
    """Decode UTF-8; a few broken bytes, as of a cut file, are replaced."""
    if (whole := _strictly(content, "utf-8")) is not None:
        return whole
    text = content.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    sound = sum(not char.isascii() for char in text) - broken
    if sound > 3 * broken:
        return _told(text, missed)
    return _glued(content, missed) if sound >= LEAST_SOUND else None


def _glued(content: bytes, missed: Missed) -> str | None:
    """Decode a file put together of UTF-8 and a one-byte encoding, line by line."""
    lines = [(line, _strictly(line, "utf-8")) for line in content.splitlines(keepends=True)]
    if sum(not char.isascii() for _, text in lines for char in text or "") < LEAST_SOUND:
        return None
    rest = b"".join(line for line, text in lines if text is None)
    encoding = "cp1252" if _signs(rest) is not None else likeliest(_sample(rest), missed)
    if MULTIBYTE.match(encoding):
        return None
    missed.add("some lines", Why.MIXED)
    return "".join(line.decode(encoding, "replace") if text is None else text for line, text in lines)


def _signs(content: bytes) -> str | None:
    """Decode English with quotes, dashes or a currency: too little for a guess by frequencies."""
    signs = content.translate(None, NOT_SIGNS)
    letters = content.translate(None, bytes(range(0xC0)))
    if letters or 2 * len(signs) >= len(content):
        return None
    text = _strictly(content, "cp1252")
    return None if text is None or FOREIGN_SIGN.search(text) else text


def _guessed(content: bytes, missed: Missed) -> str:
    """Decode what only its letters tell the encoding of."""
    return _told(content.decode(likeliest(_sample(content), missed), "replace"), missed)


def _sample(content: bytes) -> bytes:
    """Take the lines that are not ASCII, as far as it takes to guess by them."""
    if len(content) <= GUESSED_BYTES:
        return content
    lines, room = [], GUESSED_BYTES
    for line in content.split(b"\n"):
        if room > 0 and not line.isascii():
            lines.append(line[:room])
            room -= len(lines[-1])
    return b"\n".join(lines)


def _told(text: str, missed: Missed) -> str:
    if "\ufffd" in text:
        missed.add("some characters", Why.BROKEN)
    return text
