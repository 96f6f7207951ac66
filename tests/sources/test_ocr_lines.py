"""What was recognized on a picture, put in order: rows, cells, paragraphs, also askew."""

import math

import pytest

from docmill.tasks.sources.parsing.ocr.lines import Box, confidence, text_of


def _box(
    text: str, left: float, top: float, *, score: float = 1, turned: float = 0, height: float = 20
) -> Box:
    """Make a box of ten dots a letter; `turned` in degrees, about the page's corner."""
    width = 10.0 * len(text)
    cos, sin = math.cos(math.radians(turned)), math.sin(math.radians(turned))

    def at(x: float, y: float) -> tuple[float, float]:
        return (x * cos - y * sin, x * sin + y * cos)

    right, bottom = left + width, top + height
    return Box((at(left, top), at(right, top), at(right, bottom), at(left, bottom)), text, score)


TABLE = [
    ("Item", 0, 0),
    ("Price", 400, 3),
    ("Unterlegscheiben", 0, 30),
    ("18,90", 400, 28),
    ("of steel", 170, 31),
]


@pytest.mark.parametrize("turned", [0, 2, -3, 8])
def test_cells_of_a_row_are_apart_by_tabs_and_words_by_blanks_also_askew(turned: float):
    boxes = [_box(*each, turned=turned) for each in TABLE]
    assert text_of(boxes) == "Item\tPrice\nUnterlegscheiben of steel\t18,90"


def test_an_empty_line_parts_paragraphs():
    assert text_of([_box("one", 0, 0), _box("two", 0, 28), _box("three", 0, 90)]) == "one\ntwo\n\nthree"


def test_words_are_read_in_whatever_order_they_were_found():
    assert text_of([_box("c", 0, 60), _box("b", 40, 0), _box("a", 0, 2)]) == "a\tb\n\nc"


def test_what_is_faint_is_left_out_and_counts_in_the_confidence():
    boxes = [_box("clear", 0, 0, score=0.9), _box("faint", 0, 40, score=0.3)]
    assert text_of(boxes) == "clear"
    assert confidence(boxes) == 0.6


def test_nothing_recognized_is_no_text_of_no_confidence():
    assert (text_of([]), confidence([])) == ("", 0.0)
