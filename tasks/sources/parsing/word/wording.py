"""A Word document's XML as Word shows it, for a converter that passes over much of it.

Deleted, moved away and hidden text goes; fields, text boxes, symbols and formulas become plain text
where they stand.
"""

import re
from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

from docmill.tasks.sources.parsing.word.drawn import Drawn
from docmill.tasks.sources.parsing.word.formula import M, formula
from docmill.tasks.sources.parsing.word.styles import Styles, W, switched, value, whole

MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
SYMBOLS = re.compile(r"wingdings|webdings|symbol", re.IGNORECASE)
PAGE_FIELD = re.compile(r"\s*(?:PAGE|NUMPAGES|SECTIONPAGES)\b")
WORD = re.compile(r"[^\W\d_]+")
PAGE_WORDS = 3  # Page 1 of 3
GONE = frozenset(W + name for name in ("del", "moveFrom"))
KEPT = frozenset(
    W + name for name in ("rPr", "pPr", "tcPr", "trPr", "tblPr", "tblGrid", "sectPr", "sdtPr", "t")
)
HOLDERS = frozenset(  # what the converter looks into
    W + name
    for name in (
        *("body", "p", "r", "tbl", "tr", "tc", "sdt", "sdtContent", "hyperlink", "ins", "moveTo", "smartTag"),
        *("customXml", "footnotes", "footnote", "endnotes", "endnote", "fldChar", "document", "hdr", "ftr"),
    )
)


class Wording:
    """Rewrites parts of one document."""

    def __init__(self, styles: Styles, drawn: Drawn, chunk: Callable[[str], Element]) -> None:
        self._styles = styles
        self._drawn = drawn
        self._chunk = chunk
        self._boxes: list[Element] = []  # of the paragraph that is being rewritten
        self._style = ""
        self._written: dict[str, Callable[[Element], list[Element]]] = {
            W + "p": self._paragraph,
            W + "r": self._run,
            W + "tr": self._row,
            W + "tc": self._cell,
            W + "sym": _symbol,
            W + "cr": lambda _: [Element(W + "br")],
            W + "ptab": lambda _: [Element(W + "tab")],
            W + "ruby": lambda ruby: self._inside(ruby.find(W + "rubyBase")),
            W + "fldChar": _field,
            W + "altChunk": lambda given: [self._chunk(given.get(Drawn.ID, ""))],
            MC + "AlternateContent": self._alternative,
            M + "oMath": lambda given: [run(formula(given))],
            **dict.fromkeys((W + "drawing", W + "pict", W + "object"), self._picture),
        }

    def rewrite(self, root: Element) -> None:
        """Rewrite a part, in place."""
        root[:] = self._inside(root)

    def _inside(self, parent: Element | None) -> list[Element]:
        return [] if parent is None else [new for child in parent for new in self._seen(child)]

    def _seen(self, element: Element) -> list[Element]:
        tag = element.tag
        if tag in GONE:
            return []
        if tag in KEPT:
            return [element]
        if write := self._written.get(tag):
            return write(element)
        if not len(element):
            return [element]
        element[:] = self._inside(element)
        return [element] if tag in HOLDERS else list(element)

    def _paragraph(self, paragraph: Element) -> list[Element]:
        boxes, style, self._boxes = self._boxes, self._style, []
        properties = paragraph.find(W + "pPr")
        self._style = "" if properties is None else value(properties, "pStyle")
        paragraph[:] = self._inside(paragraph)
        shown = [paragraph, *self._boxes]
        self._boxes, self._style = boxes, style
        return shown

    def _run(self, given: Element) -> list[Element]:
        properties = given.find(W + "rPr")
        if self._hides(properties):
            return []
        if properties is not None and (fonts := properties.find(W + "rFonts")) is not None:
            font = fonts.get(W + "ascii", "")
            if SYMBOLS.match(font):
                for text in given.findall(W + "t"):
                    text.text = "".join(symbol(font, ord(char)) or char for char in text.text or "")
        given[:] = self._inside(given)
        return [given]

    def _hides(self, properties: Element | None) -> bool:
        said = switched(properties, "vanish")
        if said is not None:
            return said
        own = "" if properties is None else value(properties, "rStyle")
        return self._styles.hides(own) or self._styles.hides(self._style)

    def _row(self, row: Element) -> list[Element]:
        properties = row.find(W + "trPr")
        if properties is not None and (
            properties.find(W + "del") is not None or switched(properties, "hidden")
        ):
            return []
        row[:] = self._inside(row)
        return [row]

    def _cell(self, cell: Element) -> list[Element]:
        if cell.find(f"{W}tcPr/{W}cellDel") is not None:
            return []
        cell[:] = self._inside(cell)
        return [cell]

    def _alternative(self, given: Element) -> list[Element]:
        """Of what is said in several ways, read the one that newer programs show."""
        chosen = given.find(MC + "Choice")
        return self._inside(given.find(MC + "Fallback") if chosen is None else chosen)

    def _picture(self, given: Element) -> list[Element]:
        """Put the text of boxes and shapes behind the paragraph that they belong to."""
        pictures = [self._chunk(key) for key in self._drawn.tell(given)]
        for box in _outermost(given):
            self._boxes += self._inside(box)
        self._boxes += pictures
        self._boxes += [paragraph(text) for text in self._drawn.texts(given)]
        return []


def run(text: str) -> Element:
    """Make a run of text."""
    made = Element(W + "r")
    SubElement(made, W + "t").text = text
    return made


def paragraph(text: str) -> Element:
    """Make a paragraph of text."""
    made = Element(W + "p")
    made.append(run(text))
    return made


def counts_pages(given: Element) -> bool:
    """Say whether a paragraph of a header or footer only tells the page."""
    fields = [each.text or "" for each in given.iter(W + "instrText")]
    fields += [each.get(W + "instr", "") for each in given.iter(W + "fldSimple")]
    words = WORD.findall(" ".join(text.text or "" for text in given.iter(W + "t")))
    return any(map(PAGE_FIELD.match, fields)) and len(words) <= PAGE_WORDS


def symbol(font: str, code: int) -> str:
    """Write a symbol of a font in Unicode; empty where it is not known."""
    from mammoth.docx.dingbats import dingbats

    code = code - 0xF000 if 0xF000 <= code <= 0xF0FF else code
    found = dingbats.get((font, code))
    if found is not None:
        return BOXES.get(found, chr(found))
    return "" if SYMBOLS.match(font) else chr(code)


BOXES = {0x1F5F9: "☑", 0x1F5F7: "☒", 0x1F78E: "☐", 0x1F790: "☐", 0x1F5F5: "☒", 0x1F5F8: "✓", 0x1F5F4: "✗"}


def _symbol(given: Element) -> list[Element]:
    code = given.get(W + "char", "")
    shown = symbol(given.get(W + "font", ""), int(code, 16)) if re.fullmatch("[0-9A-Fa-f]{1,4}", code) else ""
    if not shown.isprintable():
        return []
    text = Element(W + "t")
    text.text = shown
    return [text]


def _field(given: Element) -> list[Element]:
    """Put the item that was chosen from a form's list behind the field, where it stands in no text."""
    choices = given.find(f"{W}ffData/{W}ddList")
    if choices is None:
        return [given]
    items = [item.get(W + "val", "") for item in choices.findall(W + "listEntry")]
    at = whole(value(choices, "result") or value(choices, "default"))
    text = Element(W + "t")
    text.text = items[at] if at < len(items) else ""
    return [given, text]


def _outermost(given: Element) -> list[Element]:
    """Find the text boxes of a drawing; those within them are found when they are rewritten."""
    found: list[Element] = []
    waiting = [given]
    while waiting:
        element = waiting.pop()
        if element.tag == W + "txbxContent":
            found.append(element)
        elif element.tag == MC + "AlternateContent":
            waiting += list(element)[:1]
        else:
            waiting += reversed(list(element))
    return found
