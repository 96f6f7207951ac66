"""What a Word document's styles say of its text: hidden, a heading, numbered."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree.ElementTree import Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HEADING = re.compile(r"heading [1-6]", re.IGNORECASE)
OFF = ("0", "false", "off")
MOST_BASES = 20


class Numbered(NamedTuple):
    """A paragraph's place in a list: which list, and the level from 0."""

    list: str
    level: int


@dataclass
class Styles:
    """The styles by their identifiers, each with what it inherits."""

    hidden: set[str] = field(default_factory=set)
    headings: set[str] = field(default_factory=set)
    numbered: dict[str, Numbered] = field(default_factory=dict)
    _bases: dict[str, str] = field(default_factory=dict)

    def place(self, style: str, place: Numbered) -> None:
        """Note the level that a list has for a style; a list that the style names itself goes first."""
        if style not in self.numbered or self.numbered[style].list == place.list:
            self.numbered[style] = place

    def numbers(self, style: str) -> Numbered | None:
        """Find the list that a style puts its paragraphs in."""
        return next((self.numbered[each] for each in self._line(style) if each in self.numbered), None)

    def hides(self, style: str) -> bool:
        """Say whether text of a style is hidden."""
        return bool(self.hidden) and any(each in self.hidden for each in self._line(style))

    def _line(self, style: str) -> list[str]:
        line = [style]
        while (base := self._bases.get(line[-1])) and len(line) < MOST_BASES:
            line.append(base)
        return line


def styles(tree: Element | None) -> Styles:
    """Read a document's styles."""
    found = Styles()
    for style in () if tree is None else tree.iter(f"{W}style"):
        key = style.get(f"{W}styleId", "")
        found._bases[key] = value(style, "basedOn")
        if HEADING.fullmatch(value(style, "name")):
            found.headings.add(key)
        if switched(style.find(f"{W}rPr"), "vanish"):
            found.hidden.add(key)
        numbers = style.find(f"{W}pPr/{W}numPr")
        if numbers is not None and value(numbers, "numId"):
            found.numbered[key] = Numbered(value(numbers, "numId"), whole(value(numbers, "ilvl")))
    return found


def value(element: Element, child: str) -> str:
    """Give the value of a property; empty where it is not there."""
    found = element.find(W + child)
    return "" if found is None else found.get(f"{W}val", "")


def switched(properties: Element | None, name: str) -> bool | None:
    """Say whether a property is on or off; None where nothing is said."""
    found = None if properties is None else properties.find(W + name)
    return None if found is None else found.get(f"{W}val", "1") not in OFF


def whole(written: str | None) -> int:
    """Read a small whole number; 0 where it is none."""
    return int(written) if written and re.fullmatch(r"\d{1,6}", written, re.ASCII) else 0
