"""Children that read pictures: what they take, whom they tell nothing, and hostile pictures."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from docmill.schemas.document import Ocr
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources import scans
from docmill.tasks.sources.parse import parsed
from docmill.tasks.sources.parsing import pool, process, wire
from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.ocr.engine import MODELS
from docmill.tasks.sources.parsing.reasons import MAX_PAGES, Reason
from tests.support.processes import eventually
from tests.support.scans import file, page, scanned, written

LINE = page(["Invoice RE-2031-0042"], size=(3, 1))


@pytest.fixture(autouse=True, scope="module")
def _kept() -> Iterator[None]:
    """One child reads the pictures of all these tests."""
    with pool.kept():
        yield


def _reason(content: bytes, name: str, ocr: Ocr = "missing") -> str:
    with pytest.raises(Unreadable) as raised:
        parsed(content, name, ocr)
    return str(raised.value)


@pytest.mark.slow
def test_a_child_that_reads_pictures_opens_no_connection_and_tells_nobody():
    parsed(file(LINE), "a.png")
    for pid in _seeing():
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"ORT_DISABLE_TELEMETRY=1" in environment.split(b"\0")
        assert not [fd for fd in Path(f"/proc/{pid}/fd").iterdir() if "socket" in str(fd.readlink())]


def _seeing() -> list[int]:
    found = _seeing_now()
    assert found
    return found


def _seeing_now() -> list[int]:
    return [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit()
        and wire.SEES.encode() in _command(folder)
        and int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == os.getpid()
    ]


def _command(folder: Path) -> bytes:
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""


def test_the_models_are_in_the_wheel():
    import rapidocr

    folder = Path(rapidocr.__file__).parent / "models"
    assert all((folder / name).stat().st_size > 500_000 for name in MODELS.values())


@pytest.mark.parametrize("cut", [20, 200])
def test_a_damaged_picture_is_said_to_be_damaged(cut: int):
    assert _reason(file(LINE)[:cut], "a.png") == Reason.DAMAGED


def test_a_picture_of_more_dots_than_any_scan_is_not_opened():
    assert _reason(file(Image.new("1", (10_000, 9_000))), "a.png") == Reason.PACKED


def test_a_file_of_more_pages_than_are_read_is_refused():
    [first, *others] = [Image.new("1", (1, 1))] * 501
    assert _reason(file(first, "TIFF", *others), "fax.tif") == Reason.PAGES


def test_a_tiff_whose_pages_lead_in_a_circle_ends():
    circle = b"II*\0\x08\0\0\0" + b"\0\0" + b"\x08\0\0\0"
    assert _reason(circle, "fax.tif") == Reason.DAMAGED


@pytest.mark.slow
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=8))
@settings(max_examples=15, deadline=None)
def test_a_broken_picture_has_a_text_or_a_reason(at: int, noise: bytes):
    parsed(file(LINE), "a.png")
    content = bytearray(file(LINE, "TIFF"))
    content[at : at + len(noise)] = noise
    with suppress(Unreadable):
        assert parsed(bytes(content), "a.tif").text
    assert _seeing()  # which has not died of it


def test_what_a_child_says_of_pages_that_there_are_not_is_not_believed(monkeypatch: pytest.MonkeyPatch):
    seen = json.dumps([[], [], [["page 9", 0.5, "x"]]])
    body = f"{seen}\0a".encode()
    reply = wire.HEAD.pack(b"pages", len(body)) + body
    program = f"import sys; sys.stdin.buffer.read(10); sys.stdout.buffer.write({reply!r})"
    pool.close()
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", program))
    assert [(each.start, each.end) for each in parsed(b"%PDF-1.7", "a.pdf", "off").seen] == [(0, 1)]


COUNTED = """
import os
import rapidocr
from docmill.tasks.sources.parsing import child
from docmill.tasks.sources.parsing.ocr import lines
loaded, loads = rapidocr.RapidOCR, []
def counted(**params):
    loads.append(1)
    return loaded(**params)
rapidocr.RapidOCR = counted
lines.text_of = lambda boxes: f"{os.getpid()} {len(loads)}"
child.main()
"""


@pytest.mark.slow
def test_pages_are_divided_among_the_children_each_of_which_loads_the_models_once(
    monkeypatch: pytest.MonkeyPatch,
):
    """The text of a page is the child that read it, and how often that has loaded them."""
    pool.close()
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-I", "-c", COUNTED))
    read = parsed(scanned(*[page(size=(3, 2))] * 8), "a.pdf")
    pool.close()
    said = [each.split() for each in read.text.split("\n\n")]
    assert len(said) == 8
    assert len({child for child, _ in said}) == pool.SIZE
    assert {loads for _, loads in said} == {"1"}


ANSWERS = """
import sys
from docmill.tasks.sources.parsing import wire
while message := wire.receive(sys.stdin.buffer):
    number = wire.asked(message[1])[0]
    tag, said = [(wire.REASON, "SLOW"), (wire.TEXT, "[[],[],[]]\\0http://a.example/"),
        (wire.TEXT, "[[],[],[]]\\0data:image/jpeg;base64,/9j/4AA=")][number]
    wire.send(sys.stdout.buffer, tag, said.encode())
"""


def test_a_page_that_cannot_be_drawn_is_not_shown_nor_what_is_no_picture(monkeypatch: pytest.MonkeyPatch):
    pool.close()
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", ANSWERS))
    assert scans.shown("pdf", b"", [0, 1, 2]) == ("data:image/jpeg;base64,/9j/4AA=",)
    pool.close()


@pytest.mark.parametrize("page", [-1, 0, MAX_PAGES + 1])
def test_a_child_can_name_no_page_that_no_document_has(page: int):
    with pytest.raises(ValueError, match="no page and reason"):
        Missed.read(json.dumps([[[page, "SCANNED"]], [], []]))


@pytest.mark.slow
def test_where_the_run_ends_no_page_that_waits_is_read_any_more():
    outcome: list[str] = []
    many = scanned(*[page()] * 40)

    def read() -> None:
        outcome.append(_reason(many, "a.pdf"))

    thread = threading.Thread(target=read)
    thread.start()
    assert eventually(lambda: any(_seeing_now()))
    pool.close()
    thread.join(20)
    assert outcome == [Reason.ENDED]
    assert not _seeing_now()


@pytest.mark.slow
def test_a_picture_that_takes_too_much_is_told_and_the_others_are_read(monkeypatch: pytest.MonkeyPatch):
    pool.close()
    monkeypatch.setattr(pool, "OCR_WALL_S", 0)
    read = parsed(scanned(written("A first page."), LINE), "a.pdf")
    assert (read.text, read.unread) == ("A first page.", (("page 2", Why.UNSEEN),))
