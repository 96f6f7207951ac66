"""The numbers that Word writes before paragraphs: 7., (b), 2.1, which the file only has rules for."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.etree.ElementTree import Element

from docmill.tasks.sources.parsing.word.styles import Numbered, Styles, W, value, whole

LEVELS = 9
PLACE = re.compile(r"%([1-9])")
ROMANS = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
MOST = 100_000  # beyond it a number is written in figures


class Level(NamedTuple):
    """How a list writes the numbers of one level."""

    start: int = 1
    kind: str = "decimal"
    text: str = ""
    legal: bool = False
    restarts: bool = True
    style: str = ""


@dataclass
class Numbering:
    """The lists of a document, and how far each has counted."""

    lists: dict[str, tuple[str, dict[int, Level]]] = field(default_factory=dict)  # its rules' name, and they
    starts: dict[str, dict[int, int]] = field(default_factory=dict)  # levels that a list begins anew
    _counts: dict[str, list[int | None]] = field(default_factory=dict)

    def level(self, place: Numbered) -> Level | None:
        """Find the rules of a paragraph's level; None where it has no number, nor a bullet."""
        rules = self.lists.get(place.list)
        return rules[1].get(place.level, None) if rules else None

    def next(self, place: Numbered) -> str:
        """Count one paragraph more, and write its number as Word shows it."""
        name, levels = self.lists[place.list]
        counts = self._counts.setdefault(name, [None] * LEVELS)
        for at, start in self.starts.pop(place.list, {}).items():
            counts[at] = start - 1
        here = counts[place.level]
        counts[place.level] = levels[place.level].start if here is None else here + 1
        for at in range(place.level):
            if counts[at] is None:
                counts[at] = levels[at].start if at in levels else 1
        for at in range(place.level + 1, LEVELS):
            if levels.get(at, Level()).restarts:
                counts[at] = None
        legal = levels[place.level].legal

        def written(found: re.Match[str]) -> str:
            at = int(found[1]) - 1
            count = counts[at]
            kind = levels[at].kind if at in levels and not legal else "decimal"
            return "" if count is None else figure(count, kind)

        return PLACE.sub(written, levels[place.level].text[:100])


def numbering(tree: Element | None, styles: Styles) -> Numbering:
    """Read the rules of a document's lists."""
    found = Numbering()
    if tree is None:
        return found
    rules = {each.get(f"{W}abstractNumId", ""): each for each in tree.iter(f"{W}abstractNum")}
    named = {value(each, "styleLink"): key for key, each in rules.items()}
    for each in tree.iter(f"{W}num"):
        name, key = value(each, "abstractNumId"), each.get(f"{W}numId", "")
        if name in rules and (link := value(rules[name], "numStyleLink")):
            name = named.get(link, name)
        if name not in rules:
            continue
        levels = dict(map(_level, rules[name].findall(f"{W}lvl")))
        for override in each.findall(f"{W}lvlOverride"):
            at = whole(override.get(f"{W}ilvl"))
            if (own := override.find(f"{W}lvl")) is not None:
                levels |= [_level(own)]
            if (start := value(override, "startOverride")) and 0 <= at < LEVELS:
                found.starts.setdefault(key, {})[at] = whole(start)
        found.lists[key] = (name, {at: level for at, level in levels.items() if 0 <= at < LEVELS})
        for at, level in levels.items():
            if level.style:
                styles.place(level.style, Numbered(key, at))
    return found


def _level(given: Element) -> tuple[int, Level]:
    return whole(given.get(f"{W}ilvl")), Level(
        start=whole(value(given, "start") or "1"),
        kind=value(given, "numFmt") or "decimal",
        text=value(given, "lvlText"),
        legal=given.find(f"{W}isLgl") is not None,
        restarts=value(given, "lvlRestart") != "0",
        style=value(given, "pStyle"),
    )


def figure(count: int, kind: str) -> str:
    """Write one number: in figures, letters or Roman."""
    if not 0 < count < MOST:
        return str(count)
    match kind:
        case "lowerLetter" | "upperLetter":
            written = chr(ord("a") + (count - 1) % 26) * min(1 + (count - 1) // 26, 20)
        case "lowerRoman" | "upperRoman":
            written = _roman(min(count, 4999))
        case "decimalZero":
            return f"{count:02}"
        case "none" | "bullet":
            return ""
        case _:
            return str(count)
    return written.upper() if kind.startswith("upper") else written


def _roman(count: int) -> str:
    written = ""
    for size, letters in ROMANS:
        written += letters * (count // size)
        count %= size
    return written
