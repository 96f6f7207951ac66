"""The windows of a lane that all processes of one machine share: a small file in the cache directory.

It is locked by its descriptor while it is read and written, which takes microseconds; the kernel frees
the lock at kill -9. What is damaged, or of a clock before the machine's restart, begins anew.
"""

import fcntl
import os
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from docmill.schemas.errors import StorageError
from docmill.tasks.chat.windows import RING, WINDOW_S, Rates, Slot, State, Taken

FOLDER = "windows"
BOOT = Path("/proc/sys/kernel/random/boot_id")
FORM = struct.Struct(f"<q3d{2 * RING}d")
SUM = struct.Struct("<I")


def window_file(directory: Path, identity: str, model: str) -> Path:
    """Name the file of an endpoint's model; each machine has its own, as each has its own clock.

    Containers of one machine have one: their clock is the kernel's.
    """
    named = "\0".join((_machine(), identity, model))
    return directory / FOLDER / sha256(named.encode()).hexdigest()[:32]


def _machine() -> str:
    """Tell this machine, since it was started, from others."""
    with suppress(OSError):
        return BOOT.read_text().strip()
    return socket.gethostname()


class SharedWindows:
    """Windows in a file; raises StorageError where it cannot be opened."""

    def __init__(
        self, file: Path, window_s: float = WINDOW_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._window_s = window_s
        self._clock = clock
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StorageError(f"{file} cannot be opened: {error.strerror}") from None
        self._stream = os.fdopen(descriptor, "r+b", buffering=0)

    async def take(self, rates: Rates, tokens: float) -> Slot:
        """Reserve the next place for a call of so many tokens."""
        with self._state() as (state, now):
            slot = state.take(now, rates, tokens)
        return Slot(slot.wait_s * self._window_s, slot.cause, slot.part, slot.tokens)

    def settle(self, rates: Rates, slot: Slot, requests: float, tokens: float) -> None:
        """Correct what a slot took by what its call took in the end."""
        with self._state() as (state, now):
            state.settle(now, rates, slot, requests, tokens)

    @contextmanager
    def _state(self) -> Iterator[tuple[State, float]]:
        descriptor = self._stream.fileno()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            now = self._clock() / self._window_s
            state = unpacked(os.pread(descriptor, FORM.size + SUM.size, 0))
            state = state if state and state.is_sound(now) else State()
            yield state, now
            os.pwrite(descriptor, packed(state), 0)
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def unpacked(content: bytes) -> State | None:
    """Read windows; None of what is damaged."""
    form, checksum = content[: FORM.size], content[FORM.size :]
    if len(content) != FORM.size + SUM.size or SUM.pack(zlib.crc32(form)) != checksum:
        return None
    head, last, *numbers = FORM.unpack(form)
    parts = numbers[2:]
    return State(head, last, (Taken(parts[:RING], numbers[0]), Taken(parts[RING:], numbers[1])))


def packed(state: State) -> bytes:
    """Write windows, with a checksum."""
    first, second = state.taken
    form = FORM.pack(state.head, state.last, first.until, second.until, *first.parts, *second.parts)
    return form + SUM.pack(zlib.crc32(form))
