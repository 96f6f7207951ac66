"""What is drawn in a Word document: its text, and what of it no program reads as text."""

import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.package import RELATIONS, Package, Relation
from docmill.tasks.sources.parsing.word.styles import W

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
VML = "{urn:schemas-microsoft-com:vml}"
OLE = "{urn:schemas-microsoft-com:office:office}OLEObject"
EMU_A_TWIP = 635
EMU_A_POINT = 12700
A4_EMU2 = (11906 * EMU_A_TWIP) * (16838 * EMU_A_TWIP)
LIKE_A_PAGE = 0.3  # of a page: so large a picture is what the page says, not a logo
SIZE = re.compile(r"(?:^|;)\s*(width|height)\s*:\s*(\d{1,5}(?:\.\d{1,5})?)(pt|in|cm|mm|px)", re.IGNORECASE)
POINTS = {"pt": 1.0, "in": 72.0, "cm": 28.35, "mm": 2.835, "px": 0.75}


class Drawn:
    """What the drawings of one part hold."""

    ID = RELATIONS + "id"

    def __init__(self, package: Package, relations: Mapping[str, Relation], missed: Missed | None) -> None:
        self._package = package
        self._relations = relations
        self._missed = missed
        self._pictures = 0

    def tell(self, given: Element) -> Iterator[str]:
        """Tell of charts and files within the file, and of pictures as large as a page that nobody reads.

        Gives the identifiers of those that are read.
        """
        if self._missed is None:
            return
        if given.find(f".//{A}blip") is not None or given.find(f".//{VML}imagedata") is not None:
            self._pictures += 1
            if _area(given) >= LIKE_A_PAGE * A4_EMU2:
                yield from self._large(given, self._missed)
        if given.find(f".//{CHART}") is not None:
            self._missed.add("chart", Why.CHART)
        for file in (*given.iter(OLE), *given.iter(W + "control")):
            self._missed.add(f"embedded {file.get('ProgID') or file.get(W + 'name') or 'file'}", Why.EMBEDDED)

    def _large(self, given: Element, missed: Missed) -> Iterator[str]:
        keys = {each.get(RELATIONS + "embed", "") for each in given.iter(A + "blip")}
        keys |= {each.get(RELATIONS + "id", "") for each in given.iter(VML + "imagedata")}
        read = sorted(key for key in keys if key in self._relations) if missed.reader else []
        if not read:
            missed.add(f"picture {self._pictures}", Why.ELSEWHERE if missed.reader else Why.PICTURE)
        yield from read

    def texts(self, given: Element) -> Iterator[str]:
        """Give the text of shapes, of diagrams and of lettering."""
        for diagram in given.iter(DIAGRAM + "relIds"):
            target = self._relations.get(diagram.get(RELATIONS + "dm", ""))
            tree = self._package.tree(target.target) if target else None
            for point in () if tree is None else tree.iter(DIAGRAM + "pt"):
                yield from paragraphs(point)
        yield from paragraphs(given)
        for lettering in given.iter(VML + "textpath"):
            yield lettering.get("string", "")


def paragraphs(given: Element) -> Iterator[str]:
    """Give the paragraphs of a drawing that have text."""
    for each in given.iter(A + "p"):
        if text := "".join(run.text or "" for run in each.iter(A + "t")).strip():
            yield text


def _area(given: Element) -> float:
    """Give how much of the page a drawing takes, in square EMU."""
    for extent in given.iter(WP + "extent"):
        return _number(extent.get("cx")) * _number(extent.get("cy"))
    for shape in given.iter():
        if shape.tag.startswith(VML) and len(sides := SIZE.findall(shape.get("style", "")[:1000])) == 2:
            wide, high = (float(size) * POINTS[unit.lower()] * EMU_A_POINT for _, size, unit in sides)
            return wide * high
    return 0


def _number(written: str | None) -> int:
    return int(written) if written and re.fullmatch(r"\d{1,9}", written, re.ASCII) else 0
