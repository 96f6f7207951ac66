"""Keys and lines as a person types them at a terminal."""

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

ESCAPE = b"\x1b"
SEQUENCE_S = 0.05  # what follows an escape sooner is the rest of an arrow or function key


def pressed() -> str:
    """Wait for a key and give its character; '' for an arrow or function key, raises EOFError at the end."""
    descriptor = sys.stdin.fileno()
    with _unbuffered(descriptor):
        first = os.read(descriptor, 1)
        if not first:
            raise EOFError
        rest = b""
        while _more(descriptor, first, rest):
            rest += os.read(descriptor, 1)
    return "" if first == ESCAPE and rest else (first + rest).decode("utf-8", "replace")


def forget() -> None:
    """Drop keys that were pressed before: nobody has seen what they would decide."""
    if sys.stdin.isatty():
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def line(prompt: str, filled: str = "") -> str | None:
    """Ask for a line that begins as something already; None where nothing is typed, or Ctrl-D is."""
    import readline

    readline.set_startup_hook(lambda: readline.insert_text(filled))
    try:
        return input(prompt) or None
    except EOFError:
        return None
    finally:
        readline.set_startup_hook(None)


def _more(descriptor: int, first: bytes, rest: bytes) -> bool:
    """Say whether a key has more bytes: of its character, or of its sequence."""
    if first != ESCAPE:
        length = 1 if first[0] < 0xC0 else 2 if first[0] < 0xE0 else 3 if first[0] < 0xF0 else 4
        return len(rest) + 1 < length
    if not rest:
        return bool(select.select([descriptor], [], [], SEQUENCE_S)[0])
    return rest[:1] in (b"[", b"O") and (len(rest) == 1 or not 0x40 <= rest[-1] <= 0x7E)


@contextmanager
def _unbuffered(descriptor: int) -> Iterator[None]:
    """Give each key as it is pressed, unseen; Ctrl-C stays an interrupt."""
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
