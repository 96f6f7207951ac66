"""What was recognized, as it is read: rows from top to bottom, their cells apart by tabs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

LEVEL = 0.5  # of a line's height: words whose middles differ by less stand in one row
CELL = 1.0  # line heights: a wider gap parts two cells, a narrower one two words
PARAGRAPH = 2.2  # line heights from row to row: more is an empty line
LONG = 3.0  # widths to heights: so long a box says how the page is turned
FAINT = 0.5  # a score below it is a guess
LEAST_FAINT = 2  # letters or digits
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """Recognized words: their corners from the top left on, their text, and the model's score, 0 to 1."""

    corners: tuple[Point, Point, Point, Point]
    text: str
    score: float

    def width(self) -> float:
        """Give the length of its upper edge."""
        return math.dist(self.corners[0], self.corners[1])

    def strip(self, number: int, of: int) -> tuple[Point, Point, Point, Point]:
        """Give the corners of one of so many equal strips, from the top."""
        top_left, top_right, bottom_right, bottom_left = self.corners
        first, last = number / of, (number + 1) / of
        return (
            _between(top_left, bottom_left, first),
            _between(top_right, bottom_right, first),
            _between(top_right, bottom_right, last),
            _between(top_left, bottom_left, last),
        )

    def part(self, first: float, last: float) -> tuple[Point, Point, Point, Point]:
        """Give the corners of a part of its width, from a share of it to another."""
        top_left, top_right, bottom_right, bottom_left = self.corners
        return (
            _between(top_left, top_right, first),
            _between(top_left, top_right, last),
            _between(bottom_left, bottom_right, last),
            _between(bottom_left, bottom_right, first),
        )

    def height(self) -> float:
        """Give the length of its left edge."""
        return math.dist(self.corners[0], self.corners[3])


def _between(one: Point, other: Point, share: float) -> Point:
    return (one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1]))


@dataclass(frozen=True)
class _Placed:
    left: float
    right: float
    middle: float
    height: float
    text: str
    box: Box


def in_order(boxes: Sequence[Box]) -> list[Box]:
    """Give the words that are clear enough in the order in which they are read."""
    return [word.box for row in _clear_rows(boxes) for word in row]


def text_of(boxes: Sequence[Box]) -> str:
    """Join words to lines, as they stand on a page that may be askew."""
    rows = _clear_rows(boxes)
    if not rows:
        return ""
    usual = median(word.height for row in rows for word in row)
    lines: list[str] = []
    before: float | None = None
    for row in rows:
        middle = median(word.middle for word in row)
        if before is not None and middle - before > PARAGRAPH * usual:
            lines.append("")
        lines.append(_line(row))
        before = middle
    return "\n".join(lines)


def confidence(boxes: Sequence[Box]) -> float:
    """Give the mean of the scores, each letter counted once; what is too faint to be given counts, too."""
    letters = sum(len(box.text) for box in boxes)
    return round(sum(box.score * len(box.text) for box in boxes) / letters, 2) if letters else 0.0


def faint(boxes: Sequence[Box]) -> bool:
    """Say whether there are words that are too faint to be given; a speck is no word."""
    return any(box.score < FAINT and sum(map(str.isalnum, box.text)) >= LEAST_FAINT for box in boxes)


def _clear_rows(boxes: Sequence[Box]) -> list[list[_Placed]]:
    clear = [box for box in boxes if box.score >= FAINT and box.text.strip()]
    angle = _angle(clear)
    return _rows([_placed(box, angle) for box in clear])


def _angle(boxes: Sequence[Box]) -> float:
    """Give by how much the lines are turned, in radians."""
    long = [box for box in boxes if box.width() >= LONG * box.height()]
    turned = [
        math.atan2(box.corners[1][1] - box.corners[0][1], box.corners[1][0] - box.corners[0][0])
        for box in long
    ]
    return median(turned) if turned else 0.0


def _placed(box: Box, angle: float) -> _Placed:
    cos, sin = math.cos(-angle), math.sin(-angle)
    turned = [(x * cos - y * sin, x * sin + y * cos) for x, y in box.corners]
    across, down = [x for x, _ in turned], [y for _, y in turned]
    # Of a box around slanted words the middle is right, the height too large.
    text = " ".join(box.text.split())
    return _Placed(min(across), max(across), sum(down) / 4, box.height(), text, box)


def _rows(words: list[_Placed]) -> list[list[_Placed]]:
    rows: list[list[_Placed]] = []
    for word in sorted(words, key=lambda each: each.middle):
        last = rows[-1][-1] if rows else None
        if last and word.middle - last.middle < LEVEL * min(word.height, last.height):
            rows[-1].append(word)
        else:
            rows.append([word])
    return [sorted(row, key=lambda each: each.left) for row in rows]


def _line(row: Sequence[_Placed]) -> str:
    parts = [row[0].text]
    for before, word in pairwise(row):
        gap = word.left - before.right
        parts.append("\t" if gap > CELL * min(before.height, word.height) else " ")
        parts.append(word.text)
    return "".join(parts)
