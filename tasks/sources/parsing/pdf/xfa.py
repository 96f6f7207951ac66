"""The values of a form in XFA, whose pages PDFium cannot draw."""

from typing import Any
from xml.parsers import expat

MAX_DEPTH = 100


def values(document: Any) -> str:  # pypdfium2 is untyped
    """Give the fields that have a value, each as a line with its name."""
    found = Values()
    for packet in _packets(document):
        if b"datasets" in packet:
            found.read(packet)
    return "\n".join(found.lines)


def _packets(document: Any) -> list[bytes]:
    import ctypes

    from pypdfium2 import raw

    packets = []
    for index in range(raw.FPDF_GetXFAPacketCount(document)):
        length = ctypes.c_ulong()
        raw.FPDF_GetXFAPacketContent(document, index, None, 0, length)
        buffer = ctypes.create_string_buffer(max(length.value, 1))
        if raw.FPDF_GetXFAPacketContent(document, index, buffer, length.value, length):
            packets.append(buffer.raw[: length.value])
    return packets


class Values:
    """Reads the elements of the data that have no elements, by expat without entities."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._leaf = False

    def read(self, packet: bytes) -> None:
        """Read a packet as far as it is XML; a declared entity or too deep a nesting ends it."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.EntityDeclHandler = _refused
        self._path = []
        try:
            parser.Parse(packet, True)
        except (expat.ExpatError, ValueError):
            return

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._path.append(name.rpartition(":")[2])
        if len(self._path) > MAX_DEPTH:
            raise ValueError
        self._text.clear()
        self._leaf = True

    def _end(self, _name: str) -> None:
        name = self._path.pop()
        value = " ".join("".join(self._text).split())
        if self._leaf and value and "data" in self._path[:3]:
            self.lines.append(f"{name}: {value}")
        self._text.clear()
        self._leaf = False


def _refused(*_: object) -> None:
    raise ValueError
