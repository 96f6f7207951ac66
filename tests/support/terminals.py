"""A command at a real terminal: what it shows is read, and keys are pressed, as a person does."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_S = 30.0
# In a session of its own the terminal becomes the controlling one, so that Ctrl-C is an interrupt.
PROGRAM = """
import fcntl, runpy, signal, sys, termios
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins without
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.argv[0] = "docmill"
runpy.run_module("docmill", run_name="__main__")
"""
STEERING = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>()][A-Z0-9]?|\r")


class Screen:
    """A terminal; `text` is all that was written to it, without what steers it."""

    def __init__(self, descriptor: int, process: "subprocess.Popen[bytes]") -> None:
        self._descriptor = descriptor
        self._process = process
        self._raw = b""
        self._seen = 0

    @property
    def raw(self) -> str:
        """All that was written."""
        return self._raw.decode("utf-8", "replace")

    @property
    def text(self) -> str:
        """All that was written, as it is read."""
        return STEERING.sub("", self.raw)

    def see(self, words: str) -> str:
        """Wait until these words are written after what was seen last; gives what stands before them."""
        until = time.monotonic() + PATIENCE_S
        while words not in self.text[self._seen :]:
            assert time.monotonic() < until, self.text[self._seen :]
            if not self._read():
                break
        assert words in self.text[self._seen :], self.text[self._seen :]
        found = self.text.index(words, self._seen)
        before, self._seen = self.text[self._seen : found], found + len(words)
        return before

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._descriptor, keys.encode())

    def ended(self) -> int:
        """Wait for the end; gives the exit code."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_S)

    def _read(self) -> bool:
        if not select.select([self._descriptor], [], [], PATIENCE_S)[0]:
            return False
        try:
            chunk = os.read(self._descriptor, 65536)
        except OSError:  # Linux's end of a terminal
            return False
        self._raw += chunk
        return bool(chunk)


@contextmanager
def terminal(*arguments: str, columns: int = 100) -> Iterator[Screen]:
    """Run `docmill` at a terminal of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    try:
        yield Screen(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
