"""Server-sent events, read as the WHATWG HTML standard says (9.2.6), in bounded memory."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator

LARGEST_EVENT_BYTES = 8 * 1024 * 1024
LINE_END = re.compile(rb"\r\n|\n|\r")


class TooLarge(Exception):
    """An event has more than LARGEST_EVENT_BYTES."""


class EventReader:
    """Takes a stream's bytes as they come and gives the data of each whole event.

    Fields but `data` are passed over. An event that the stream does not end is given at its `end`: some
    servers write no blank line behind the last one. A line that is an error's JSON, without any field's
    name, is given as an event's data: gateways write such lines into a stream that they began well.
    """

    def __init__(self) -> None:
        self._rest = bytearray()  # of a line that has not ended
        self._after_cr = False  # a line feed that comes now ends the same line
        self._begun = False
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, part: bytes) -> Iterator[str]:
        """Take bytes in; raises TooLarge, from then on for ever."""
        whole = part[1:] if self._after_cr and part.startswith(b"\n") else part
        self._after_cr = part.endswith(b"\r") if part else self._after_cr
        searched = len(self._rest)
        self._rest += whole
        for line in self._lines(searched):
            yield from self._line(line)
        if len(self._rest) + self._size > LARGEST_EVENT_BYTES:
            raise TooLarge

    def end(self) -> Iterator[str]:
        """Give what stands in an unended last line and event."""
        rest = self._first(bytes(self._rest))
        self._rest.clear()
        if rest:
            yield from self._line(rest)
        yield from self._line(b"")

    def _lines(self, searched: int) -> list[bytes]:
        """Take the whole lines; the first bytes were searched before."""
        lines, begin = [], 0
        for found in LINE_END.finditer(self._rest, searched):
            lines.append(self._first(bytes(self._rest[begin : found.start()])))
            begin = found.end()
        del self._rest[:begin]
        return lines

    def _first(self, line: bytes) -> bytes:
        begun, self._begun = self._begun, True
        return line if begun else line.removeprefix(BOM_UTF8)

    def _line(self, line: bytes) -> Iterator[str]:
        if not line:
            if self._data:
                yield b"\n".join(self._data).decode(errors="replace")
            self._data, self._size = [], 0
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value) + 1
            if self._size > LARGEST_EVENT_BYTES:
                raise TooLarge
        elif _is_error(line):
            yield line.decode(errors="replace")


def _is_error(line: bytes) -> bool:
    return line.lstrip().startswith(b"{") and b'"error"' in line
