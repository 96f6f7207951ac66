"""Pages of HTML: what a browser shows of them is read, and nothing else."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing.html.page import as_shown


def _text(body: str) -> str:
    return parsed(f"<html><body>{body}</body></html>".encode(), "page.html").text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("costs 40<sup>3</sup> EUR", "costs 40³ EUR"),
        ("costs 40<sup><a href='#n'>3)</a></sup>", "costs 40³⁾"),
        ("costs 40<sup>a</sup>", "costs 40ᵃ"),
        ("7<span style='vertical-align:super'>1</span>", "7¹"),
        ("20 m<sup>2</sup>", "20 m²"),
        ("10<sup>-6</sup>, 10<sup>2.5</sup>", "10⁻⁶, 10^2.5"),
        ("9<sub>50</sub>", "9₅₀"),
        ("the 3<sup>rd</sup>, H<sub>2</sub>O", "the 3rd, H2O"),
    ],
)
def test_raised_marks_are_no_digits_of_the_amount(body: str, text: str):
    assert _text(body) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("Name:<input name=n value='Ann &amp; Bo'>", "Name: Ann & Bo"),
        ("<input type=checkbox checked>red<input type='checkbox'>blue", "☒ red ☐ blue"),
        ("<input type=radio name=x> a <input type=radio CHECKED name=x> b", "☐ a ☒ b"),
        ("<select><option>red<option selected>blue</select>", "blue"),
        ("<select><option value=1>red</option><option>blue</option></select>", "red"),
        ("a<select multiple><option>red<option>blue</select>b", "a b"),
        ("<input type=hidden value=x><input type=submit value=y><input type=password value=z>text", "text"),
        ("<textarea>as typed</textarea>", "as typed"),
    ],
)
def test_a_form_is_read_as_it_is_filled_in(body: str, text: str):
    assert _text(body) == text


@pytest.mark.parametrize(
    ("style", "body"),
    [
        (".old {display: none}", "<p class='x old'>gone</p>"),
        ("/* .a */ p.old, b {visibility:hidden;}", "<p class=old>gone</p>"),
        ("#old{color:red;display:none!important}", "<div id=old><p>gone</div>"),
    ],
)
def test_what_the_pages_own_style_hides_is_left_out(style: str, body: str):
    assert _text(f"<style>{style}</style>{body}<p>stays") == "stays"


@pytest.mark.parametrize(
    "style",
    [
        "@media print {.old {display: none}}",
        ".old {display: none} .open.old {display: block}",
        "body.js .old {display: none}",
        ".old:hover {display: none}",
    ],
)
def test_what_is_hidden_sometimes_is_read(style: str):
    assert _text(f"<style>{style}</style><p class=old>stays") == "stays"


@pytest.mark.parametrize("name", ["a.html", "a.xhtml"])
def test_elements_of_xhtml_close_themselves(name: str):
    page = (
        '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/>'
        "<script src='x'/></head><body><p/><textarea/><p>one<br/>two</p></body></html>"
    )
    assert parsed(page.encode(), name).text.split() == ["one", "two"]


def test_an_item_keeps_its_own_number():
    assert "4. a" in (text := _text("<ol start=4><li>a</li><li value='8'>b</li></ol>"))
    assert "8) b" in text or "8. b" in text


def test_a_page_of_frames_says_that_its_content_is_elsewhere():
    page = b"<html><head><title>Shop</title></head><frameset><frame src=a.html></frameset></html>"
    assert [part for part, _ in parsed(page, "a.html").unread] == ["frames of the page"]


@given(
    st.lists(
        st.sampled_from(
            [
                "<input ",
                "<select>",
                "<sup>",
                "</sup>",
                "'",
                '"',
                ">",
                "<li value=1",
                "<style>",
                "{",
                "}",
                ".a",
                "x",
            ]
        ),
        max_size=30,
    ).map("".join)
)
@settings(max_examples=200)
def test_any_page_can_be_rewritten(page: str):
    assert isinstance(as_shown(page), str)


@pytest.mark.parametrize(
    "unit", ["<input type='", "<select>", "<sup>", "<a /", "<style>", "<sup>x<b>", '<p class="', "<li value="]
)
def test_rewriting_takes_time_in_proportion(unit: str):
    began = time.process_time()
    as_shown('<?xml?><style>.a{display:none}</style><p style="vertical-align:">' + unit * 100_000)
    assert time.process_time() - began < 3
