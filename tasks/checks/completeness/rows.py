"""What a document lists: rows in tables, whatever form they are written in."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, TypeVar

Span = tuple[int, int]
Each = TypeVar("Each")
Form = Literal["pipes", "separated", "aligned", "loose", "list", "blocks", "objects"]

MAX_LINES = 20_000  # that are looked through for rows; what comes later is not
LONGEST_LINE = 10_000  # a longer one is no row


class Line(NamedTuple):
    """A line of the document: where it begins, and what it says."""

    start: int
    text: str


class Row(NamedTuple):
    """One row: its place, its cells in the order of the table's columns, and where what follows it begins.

    An empty cell begins where it ends.
    """

    start: int
    end: int
    cells: tuple[Span, ...]
    reach: int


class Table(NamedTuple):
    """Rows of one form; `header` has a text a column, and is empty where there is none.

    `start` is where its header begins, or else its first row.
    """

    form: Form
    start: int
    header: tuple[str, ...]
    rows: list[Row]


class Sheet:
    """A document's lines, of which each becomes part of one table at most."""

    def __init__(self, text: str, most: int = MAX_LINES) -> None:
        self.text = text
        self.most = most
        self.lines: list[Line] = []
        at = 0
        while at <= len(text) and len(self.lines) < most:
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            self.lines.append(Line(at, text[at:end] if end - at <= LONGEST_LINE else ""))
            at = end + 1
        self.free = bytearray(b"\1") * len(self.lines)

    def runs(self, fits: Callable[[str], object]) -> Iterator[list[int]]:
        """Give the numbers of free lines that follow each other and fit."""
        run: list[int] = []
        for number, line in enumerate(self.lines):
            if self.free[number] and fits(line.text):
                run.append(number)
            elif run:
                yield run
                run = []
        if run:
            yield run

    def take(self, numbers: Sequence[int]) -> None:
        """Make lines part of a table."""
        for number in numbers:
            self.free[number] = 0

    def row(self, number: int, cells: Sequence[Span]) -> Row:
        """Make a row of a line's cells; it reaches to the end of the line."""
        start, said = self.lines[number]
        inner = len(said) - len(said.lstrip())
        return Row(start + inner, start + len(said.rstrip()), tuple(cells), start + len(said))

    def said(self, span: Span) -> str:
        """Give what a cell says."""
        return self.text[span[0] : span[1]]


def together(found: Iterable[Each], number: Callable[[Each], int], most: int) -> Iterator[list[Each]]:
    """Part what stands on numbered lines, in their order, where one is more than `most` after the other."""
    near: list[Each] = []
    for each in found:
        if near and number(each) - number(near[-1]) > most:
            yield near
            near = []
        near.append(each)
    if near:
        yield near


def trimmed(text: str, start: int, end: int, origin: int = 0) -> Span:
    """Leave out the blanks and quotation marks around a part of a line; `origin` is where the line begins."""
    said = text[start:end]
    inner = said.strip().strip('"').strip()
    at = start + (said.find(inner) if inner else 0)
    return origin + at, origin + at + len(inner)


NUMBER = re.compile(
    r"[^\w(+−-]*(?:[A-Z]{3} ?|[€$£¥₹] ?)?[(+−-]? ?[€$£¥₹]?\d[\d.,'’\u00a0\u202f ]{0,24}\)?-?"
    r" ?(?:%|[€$£¥₹]|[^\W\d_]{1,5}\.?[²³]?)?[^\w]*"
)
DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\.?")
LONGEST_NUMBER = 40


def sort_of(said: str) -> str:
    """Say what sort of cell it is: n for a number, d for a date, t for a text, nothing where it is empty."""
    if not any(map(str.isalnum, said)):
        return ""
    if len(said) <= LONGEST_NUMBER:
        if DATE.fullmatch(said):
            return "d"
        if NUMBER.fullmatch(said):
            return "n"
    return "t"
