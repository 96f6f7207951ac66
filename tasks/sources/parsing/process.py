"""A child as its parent sees it: started, asked, and buried."""

import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

from docmill.tasks.checks import children
from docmill.tasks.sources.parsing import wire
from docmill.tasks.sources.parsing.kinds import Asked
from docmill.tasks.sources.parsing.limits import IDLE_S, SILENT
from docmill.tasks.sources.parsing.reasons import Reason

COMMAND = (sys.executable, "-I", "-m", "docmill.tasks.sources.parsing.child")
# An allocator's arena reserves 64 MB of the child's memory.
ENVIRONMENT = children.environment(children.PARSER, MALLOC_ARENA_MAX="1", OPENPYXL_LXML="False")
# PDFium, Rust and the C library end a process like this that gets no more memory.
OUT_OF_MEMORY = (signal.SIGABRT, signal.SIGTRAP, signal.SIGILL)
OUT_OF_TIME = (signal.SIGALRM, signal.SIGXCPU)
SPARE_S = 10  # a child that ends itself that soon takes no document any more


class Child:
    """A process that parses, one document at a time; `fresh` until it has parsed one.

    One that `sees` reads pictures, too, and takes more memory and time; one of `rows` gives those of a sheet.
    """

    def __init__(self, *, sees: bool = False, rows: bool = False) -> None:
        roles = [name for name, has in ((wire.SEES, sees), (wire.ROWS, rows)) if has]
        # A session of its own: a Ctrl-C does not reach it.
        self._process = subprocess.Popen(  # noqa: S603
            (*COMMAND, *roles),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=ENVIRONMENT | SILENT if sees else ENVIRONMENT,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input = self._process.stdin
        self._output = self._process.stdout
        self._rested = time.monotonic()
        self._late = False
        self._spent = False
        self.fresh = True

    def usable(self) -> bool:
        """Say whether it can take a document."""
        rested_s = time.monotonic() - self._rested
        return not self._spent and rested_s < IDLE_S - SPARE_S and self._process.poll() is None

    def parse(self, kind: Asked, content: bytes, within_s: float) -> tuple[str, bytes] | Reason:
        """Give its reply, or the Reason why the document has no text."""
        timer = threading.Timer(within_s, self._expire)
        timer.daemon = True
        timer.start()
        try:
            reply = self._asked(kind, content)
        finally:
            timer.cancel()
        self._rested = time.monotonic()
        return self._understood(*reply) if reply else self._cause()

    def _asked(self, kind: Asked, content: bytes) -> tuple[str, bytes] | None:
        with suppress(OSError):
            wire.send(self._input, kind, content)
            return wire.receive(self._output)
        return None

    def _understood(self, tag: str, body: bytes) -> tuple[str, bytes] | Reason:
        if tag != wire.REASON:
            return tag, body
        reason = Reason.__members__.get(body.decode("ascii", "replace"), Reason.DIED)
        self._spent = reason is Reason.MEMORY  # what else failed in it for want of memory is not known
        return reason

    def _expire(self) -> None:
        self._late = True
        self.kill()

    def _cause(self) -> Reason:
        self._spent = True
        with suppress(subprocess.TimeoutExpired):  # its pipes close a moment before it is dead
            self._process.wait(1)
        self.end()
        ended_by = -self._process.returncode
        if self._late or ended_by in OUT_OF_TIME:
            return Reason.SLOW
        return Reason.MEMORY if ended_by in OUT_OF_MEMORY else Reason.DIED

    def kill(self) -> None:
        """Kill it, whatever it does."""
        self._process.kill()

    def end(self) -> None:
        """Kill it, and let go of it."""
        self.kill()
        self._process.wait()
        for pipe in (self._input, self._output):
            with suppress(OSError):  # what it did not read any more
                pipe.close()
