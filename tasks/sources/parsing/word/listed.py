"""Numbers of a Word document's lists, where plain lists of HTML would be numbered otherwise."""

from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from docmill.tasks.sources.parsing.word.numbering import LEVELS, Numbering
from docmill.tasks.sources.parsing.word.styles import Numbered, Styles, W, value, whole
from docmill.tasks.sources.parsing.word.wording import run

LABEL = "\ufdd0"  # before a number that is text: Markdown would take it for a list's


class _Item(NamedTuple):
    paragraph: Element
    level: int
    label: str  # empty for a bullet
    is_heading: bool


def label(root: Element, numbering: Numbering, styles: Styles) -> None:
    """Write the numbers of headings and of all lists that do not simply count from 1."""
    if numbering.lists:
        _Labels(numbering, styles).inside(root)


class _Labels:
    def __init__(self, numbering: Numbering, styles: Styles) -> None:
        self._numbering = numbering
        self._styles = styles

    def inside(self, parent: Element) -> None:
        """Number the paragraphs of a container, in the order in which they stand."""
        group: list[_Item] = []
        for child in parent:
            item = self._item(child) if child.tag == W + "p" else None
            if item and not item.is_heading:
                group.append(item)
                continue
            _settle(group)
            group = []
            if item:
                _write(item)
            elif len(child) and child.tag != W + "p":
                self.inside(child)
        _settle(group)

    def _item(self, paragraph: Element) -> _Item | None:
        properties = paragraph.find(W + "pPr")
        if properties is None or properties.find(f"{W}rPr/{W}del") is not None:
            return None
        style = value(properties, "pStyle")
        place = self._place(properties, style)
        level = self._numbering.level(place) if place else None
        if place is None or level is None:
            return None
        shown = self._numbering.next(place).strip() if level.kind != "bullet" else ""
        heading = style in self._styles.headings
        return _Item(paragraph, place.level, shown, heading) if shown or not heading else None

    def _place(self, properties: Element, style: str) -> Numbered | None:
        own = properties.find(W + "numPr")
        inherited = self._styles.numbers(style)
        if own is None:
            return inherited
        name = value(own, "numId") or (inherited.list if inherited else "")
        level = whole(value(own, "ilvl")) if value(own, "ilvl") else inherited.level if inherited else 0
        return Numbered(name, level) if level < LEVELS else None


def _settle(group: list[_Item]) -> None:
    """Leave a list to HTML where that would number it as Word does."""
    if not _is_plain(group):
        for item in group:
            if item.label:
                _write(item)


def _is_plain(group: list[_Item]) -> bool:
    counts: list[tuple[bool, int]] = []
    for item in group:
        ordered = bool(item.label)
        counts += [(ordered, 0)] * (item.level + 1 - len(counts))
        before, count = counts[item.level]
        counts[item.level :] = [(ordered, count + 1 if before == ordered else 1)]
        if ordered and item.label.rstrip(".)") != str(counts[item.level][1]):
            return False
    return True


def _write(item: _Item) -> None:
    """Write the number as text, and take the paragraph out of its list."""
    properties = item.paragraph.find(W + "pPr")
    if not item.label or properties is None:
        return
    for own in properties.findall(W + "numPr"):
        properties.remove(own)
    own = SubElement(properties, W + "numPr")
    SubElement(own, W + "ilvl", {W + "val": "0"})
    SubElement(own, W + "numId", {W + "val": "0"})
    item.paragraph.insert(list(item.paragraph).index(properties) + 1, run(f"{LABEL}{item.label} "))
