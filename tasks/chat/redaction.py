"""Takes a key out of what a server sent, in every form in which servers and models give keys back."""

import base64
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

MARK = "[key]"
PRINTED = "".join(map(chr, range(33, 127)))  # what every form of a key is written with
LONGEST_HELD = 4096
WORD_CHARS = 20  # a key of letters alone may be a word, such as EMPTY or ollama
SHORTEST = 8


class Redaction:
    """Takes one key out of texts and bodies; without a key it gives them back as they are.

    It knows the key as it is, as base64 at any alignment, in hexadecimal, percent-encoded, and escaped
    for JSON or HTML, as a whole or here and there. A word or a number that stands for a key where a
    server wants none is no secret: it stays in good replies, which may well hold it by chance.
    """

    def __init__(self, key: str | None) -> None:
        self._forms: Any = _forms(key) if key else None
        self._secret = _is_secret(key or "")

    def reply(self, body: bytes) -> bytes:
        """Take the key out of a reply's bytes; what was JSON stays JSON."""
        return self._without(body) if self._secret else body

    def text(self, text: str) -> str:
        """Take the key out of a text of a good reply."""
        return self.error(text) if self._secret else text

    def error(self, text: str) -> str:
        """Take the key out of a text that is no good reply, whatever the key is."""
        if not self._forms:
            return text
        return self._without(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")

    def _without(self, body: bytes) -> bytes:
        return bytes(self._forms.sub(MARK.encode(), body))


class Told:
    """Passes a stream's texts on, but holds back where a key may have begun: it may come in pieces."""

    def __init__(self, redaction: Redaction, tell: Callable[[str], None]) -> None:
        self._redaction = redaction
        self._tell = tell
        self._held = ""

    def take(self, text: str) -> None:
        """Take a text in."""
        self._held += text
        begun = len(self._held.rstrip(PRINTED))
        self._pass(max(begun, len(self._held) - LONGEST_HELD))

    def end(self) -> None:
        """Pass on what is left."""
        self._pass(len(self._held))

    def _pass(self, end: int) -> None:
        text, self._held = self._held[:end], self._held[end:]
        if text:
            self._tell(self._redaction.text(text))


@lru_cache(maxsize=8)
def redaction_of(key: str | None) -> Redaction:
    """Give the redaction of a key, made once."""
    return Redaction(key)


def _is_secret(key: str) -> bool:
    """Say whether a key is more than a word or a number, which texts hold by chance."""
    mixed = any(map(str.isalpha, key)) and any(map(str.isdigit, key))
    return len(key) >= WORD_CHARS or (len(key) >= SHORTEST and (mixed or key.startswith("sk-")))


def _forms(key: str) -> Any:
    """Compile all forms to one expression that runs in linear time: 16 MB take a quarter of a second."""
    import re2

    written = "".join(_written(char) for char in key)
    if len(key) < SHORTEST:  # its other forms are so short that anything may hold them
        return re2.compile(written.encode())
    hexadecimal = r"(?:\\+x|0x|[ :-])?".join(f"(?i:{ord(char):02x})" for char in key)
    forms = [written, hexadecimal, *(_base64(key.encode(), before) for before in range(3))]
    return re2.compile("|".join(forms).encode())


def _written(char: str) -> str:
    """Match a character as it is, percent-encoded, and escaped for JSON (also twice) or HTML."""
    code = ord(char)
    plain = rf"\\*{re.escape(char)}" if char in "\"/\\'" else re.escape(char)
    return rf"(?:{plain}|(?i:%(?:25)?{code:02x}|\\+u00{code:02x}|\\+x{code:02x}|&#0*{code};|&#x0*{code:x};))"


def _base64(key: bytes, before: int) -> str:
    """Match the key within base64, behind so many bytes (modulo 3) of something else.

    The first character, where it holds bits of what is before, is left: a JSON escape may end with it.
    """
    text = base64.b64encode(b"\0" * before + key).decode().rstrip("=")
    whole = text[(0, 2, 3)[before] : (before + len(key)) * 8 // 6]
    either = {"+": r"(?:[+-]|(?i:%2b|\\+u002b))", "/": r"(?:\\*/|_|(?i:%2f|\\+u002f))"}
    return "".join(either.get(char, char) for char in whole) + "[A-Za-z0-9+/_=-]?"
