"""A queue on disk: what one thread reads faster than another works it off takes no memory."""

import os
from collections import deque
from collections.abc import Iterator
from tempfile import TemporaryFile
from threading import Condition

LENGTH_BYTES = 4
CHUNK_BYTES = 65_536  # that are written, and read, at once: a record alone costs a hundred times its bytes


class Spool:
    """An unbounded queue of records in an unnamed temporary file, which ends with the process.

    One thread puts, another takes. The last records, of CHUNK_BYTES at most, are not on disk yet: they are
    taken from memory once all before them are.
    """

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - `close` ends it
        self._begin = self._end = 0  # of what stands on disk and is not taken yet
        self._fresh: list[bytes] = []
        self._fresh_bytes = 0
        self._ready: deque[bytes] = deque()  # of the thread that takes
        self._ended = False
        self._changed = Condition()

    def put(self, record: bytes) -> None:
        """Append a record; one that comes after `close` is dropped. Raises OSError, as of a full disk."""
        with self._changed:
            if self._file.closed:
                return
            self._fresh.append(record)
            self._fresh_bytes += len(record)
            if self._fresh_bytes >= CHUNK_BYTES:
                self._write()
            self._changed.notify_all()

    def take(self) -> bytes | None:
        """Take the next record, waiting until there is one; None after the last."""
        if not self._ready:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._begin < self._end or self._fresh)
                if self._file.closed:
                    return None
                self._ready.extend(self._read() if self._begin < self._end else self._emptied())
        return self._ready.popleft() if self._ready else None

    def end(self) -> None:
        """Say that no record follows; those that are there can still be taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Drop what is left, and the file."""
        self.end()
        with self._changed:
            self._ready.clear()
            self._file.close()

    def _write(self) -> None:
        """Put what is fresh on disk; where that fails it stays where it is."""
        framed = b"".join(len(record).to_bytes(LENGTH_BYTES) + record for record in self._fresh)
        self._file.seek(self._end)
        self._file.write(framed)
        self._file.flush()
        self._end += len(framed)
        self._emptied()

    def _emptied(self) -> list[bytes]:
        fresh, self._fresh, self._fresh_bytes = self._fresh, [], 0
        return fresh

    def _read(self) -> Iterator[bytes]:
        """Give the whole records of the next chunk, and at least one."""
        chunk = os.pread(self._file.fileno(), min(CHUNK_BYTES, self._end - self._begin), self._begin)
        place = 0
        while place + LENGTH_BYTES <= len(chunk):
            begin = place + LENGTH_BYTES
            end = begin + int.from_bytes(chunk[place:begin])
            if end > len(chunk):
                break
            yield chunk[begin:end]
            place = end
        if not place:
            length = int.from_bytes(chunk[:LENGTH_BYTES])
            yield os.pread(self._file.fileno(), length, self._begin + LENGTH_BYTES)
            place = LENGTH_BYTES + length
        self._begin += place
