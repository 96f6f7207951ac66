"""A queue on disk: what one thread reads faster than another works it off takes no memory."""

import os
from tempfile import TemporaryFile
from threading import Condition

LENGTH_BYTES = 4


class Spool:
    """An unbounded queue of records in an unnamed temporary file, which ends with the process."""

    def __init__(self) -> None:
        self._file = TemporaryFile()  # noqa: SIM115 - `close` ends it
        self._begin = self._end = 0  # of what is not taken yet
        self._ended = False
        self._changed = Condition()

    def put(self, record: bytes) -> None:
        """Append a record; one that comes after `close` is dropped. Raises OSError, as of a full disk."""
        with self._changed:
            if self._file.closed:
                return
            self._file.write(len(record).to_bytes(LENGTH_BYTES) + record)
            self._file.flush()
            self._end += LENGTH_BYTES + len(record)
            self._changed.notify_all()

    def take(self) -> bytes | None:
        """Take the next record, waiting until there is one; None after the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._begin < self._end)
            if self._file.closed or self._begin == self._end:
                return None
            length = int.from_bytes(self._read(LENGTH_BYTES))
            return self._read(length)

    def end(self) -> None:
        """Say that no record follows; those that are there can still be taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Drop what is left, and the file."""
        self.end()
        with self._changed:
            self._file.close()

    def _read(self, length: int) -> bytes:
        read = os.pread(self._file.fileno(), length, self._begin)
        self._begin += length
        return read
