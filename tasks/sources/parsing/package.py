"""The parts of an Office file, and what they refer to."""

from collections.abc import Iterable
from io import BytesIO
from posixpath import dirname, join, normpath
from typing import NamedTuple
from xml.etree import ElementTree
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZipFile

RELATIONS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
# The names of Strict Open XML, and those that everybody else writes.
STRICT = {
    b"http://purl.oclc.org/ooxml/wordprocessingml/main": b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    b"http://purl.oclc.org/ooxml/spreadsheetml/main": b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    b"http://purl.oclc.org/ooxml/officeDocument/": b"http://schemas.openxmlformats.org/officeDocument/2006/",
    b"http://purl.oclc.org/ooxml/drawingml/": b"http://schemas.openxmlformats.org/drawingml/2006/",
}


class Relation(NamedTuple):
    """What a part refers to: the last word of the type, and the name of a part of this file."""

    kind: str
    target: str


class Package:
    """An Office file whose size is known to be bounded."""

    def __init__(self, content: bytes) -> None:
        self._archive = ZipFile(BytesIO(content))
        self._names = {name.lower(): name for name in self._archive.namelist()}

    def names(self) -> Iterable[str]:
        """Name the parts."""
        return self._names.values()

    def content(self, part: str) -> bytes | None:
        """Give a part's bytes; None where there is no such part."""
        name = self._names.get(part.lower())
        return None if name is None else self._archive.read(name)

    def tree(self, part: str) -> ElementTree.Element | None:
        """Give a part's XML; raises ValueError where it declares entities or is broken."""
        content = self.content(part)
        return None if content is None else parsed_xml(content)

    def relations(self, part: str) -> dict[str, Relation]:
        """Give what a part refers to within the file, by the identifiers that it uses."""
        folder, _, name = part.rpartition("/")
        tree = self.tree(f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels")
        return {
            each.get("Id", ""): Relation(
                each.get("Type", "").rpartition("/")[2], _within(part, each.get("Target", ""))
            )
            for each in (() if tree is None else tree)
            if each.get("TargetMode") != "External"
        }

    def main(self, otherwise: str) -> str:
        """Name the part that is the document itself."""
        found = (each.target for each in self.relations("").values() if each.kind == "officeDocument")
        return next(found, otherwise)


def usual(content: bytes) -> bytes:
    """Write a file of Strict Open XML with the names that everybody else writes; others stay as they are."""
    package = Package(content)
    if b"purl.oclc.org" not in (package.content(package.main("xl/workbook.xml")) or b""):
        return content
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as rewritten:
        for name in package.names():
            if name.endswith((".xml", ".rels")):
                rewritten.writestr(name, _named_as_usual(package.content(name) or b""))
    return buffer.getvalue()


def _named_as_usual(content: bytes) -> bytes:
    if b"purl.oclc.org" in content:
        for strict, name in STRICT.items():
            content = content.replace(strict, name)
    return content


def parsed_xml(content: bytes) -> ElementTree.Element:
    """Parse XML that has no document type, and so no entities; raises ValueError."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = _enough
    try:
        parser.Parse(content[:65536], False)
    except _Begun:
        pass
    except expat.ExpatError:
        raise ValueError("no XML") from None
    try:
        return ElementTree.fromstring(_named_as_usual(content))  # noqa: S314  without a document type there are no entities
    except ElementTree.ParseError:
        raise ValueError("no XML") from None


def _within(part: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else normpath(join(dirname(part), target))


class _Begun(Exception):
    """The first element has begun: what comes before it is past."""


def _refuse(*_: object) -> None:
    raise ValueError("a document type")


def _enough(*_: object) -> None:
    raise _Begun
