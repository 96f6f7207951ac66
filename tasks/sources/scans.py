"""Scans and pictures: read by children that see, with the extra `ocr`, and where the pipeline lets them."""

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec
from threading import Event

from docmill.schemas.document import Ocr
from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing import pool, wire
from docmill.tasks.sources.parsing.answer import Answer, ask
from docmill.tasks.sources.parsing.kinds import Asked, Binary
from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.reasons import MAX_PICTURES, Reason

PACKAGES = ("rapidocr", "onnxruntime", "cv2", "PIL", "pi_heif")
MOST_SHOWN = 20  # of a document, to a model
HINT = "docmill[ocr]"  # in the reasons for what is not read without it
TOO_MUCH = (Reason.SLOW, Reason.MEMORY)
URL = re.compile("data:image/jpeg;base64,[A-Za-z0-9+/]+={0,2}")  # a child may send nothing else to a model
PICTURES = (Why.PICTURE, Why.SCANNED, Why.DRAWN, Why.GLYPHS, Why.GARBLED)


@functools.cache
def available() -> bool:
    """Say whether the extra `ocr` is installed; none of it is imported here."""
    return all(find_spec(package) for package in PACKAGES)


def reads(ocr: Ocr) -> bool:
    """Say whether pictures are read."""
    return ocr != "off" and available()


def pictures(content: bytes, ocr: Ocr) -> Answer:
    """Read a file that is a picture, or several: the pages of a TIFF; raises Unreadable."""
    if not reads(ocr):
        raise Unreadable(Reason.IMAGE_OFF if ocr == "off" else Reason.IMAGE)
    try:
        count = int(ask("frames", content, sees=True).pages[0])
        if count == 1:
            return replace(ask("frame", wire.asking(0, content), sees=True), paged=True)
    except ValueError:
        raise Unreadable(Reason.DIED) from None
    except Unreadable as error:
        raise Unreadable(Reason.UNSEEN if error.args[0] in TOO_MUCH else error.args[0]) from None
    if count > MAX_PICTURES:
        raise Unreadable(Reason.PAGES)
    missed = Missed()
    pages = _read("frame", content, range(count), missed, always=False)
    return Answer(tuple(pages.get(number, "") for number in range(count)), True, missed)


def completed(kind: Binary, content: bytes, answer: Answer, ocr: Ocr) -> Answer:
    """Add what stands on a document's pictures; without the extra they are told as they were."""
    if not reads(ocr):
        return answer
    if kind == "pdf":
        return _pages(content, answer, always=ocr == "always")
    if any(why in PICTURES for _, why in answer.missed.parts()):
        try:
            return ask(kind, content, sees=True)
        except Unreadable as error:
            if error.args[0] is Reason.ENDED:
                raise
            return replace(answer, missed=answer.missed.instead(PICTURES, Why.UNSEEN))
    return answer


def shown(kind: Binary, content: bytes, numbers: Sequence[int]) -> tuple[str, ...]:
    """Give pages as data URLs, the first of very many; what could be read of them once can be drawn."""
    look: Asked = "view" if kind == "pdf" else "look"
    urls = [_url(look, wire.asking(number, content)) for number in numbers[:MOST_SHOWN]]
    return tuple(url for url in urls if URL.fullmatch(url))


def _url(look: Asked, asked: bytes) -> str:
    """Have a page drawn; empty where that fails: its text has been read."""
    try:
        return ask(look, asked, sees=True).pages[0]
    except Unreadable as error:
        if error.args[0] is Reason.ENDED:
            raise
        return ""


def _pages(content: bytes, answer: Answer, *, always: bool) -> Answer:
    """Read the pages of a PDF that are pictures."""
    missed, pages = answer.missed, list(answer.pages)
    pictured = [number for number, why in missed.pages.items() if why in PICTURES and number <= len(pages)]
    wanted = list(range(len(pages))) if always else [number - 1 for number in sorted(pictured)]
    for number in wanted[MAX_PICTURES:]:
        missed.pages[number + 1] = Why.MANY
    for number, text in _read("page", content, wanted[:MAX_PICTURES], missed, always=always).items():
        pages[number] = text
    return replace(answer, pages=tuple(pages))


@dataclass(frozen=True)
class _Page:
    number: int
    answer: Answer | None  # None where it took too much, or is damaged


def _read(
    kind: Asked, content: bytes, numbers: Iterable[int], missed: Missed, *, always: bool
) -> dict[int, str]:
    """Read pages side by side, in as many children as there may be; tells in `missed` what was not read."""
    ended = Event()

    def one(number: int) -> _Page | None:
        if ended.is_set():  # what waits must not start children anew
            raise Unreadable(Reason.ENDED)
        try:
            return _Page(number, ask(kind, wire.asking(number, content, always=always), sees=True))
        except Unreadable as error:
            if error.args[0] is Reason.ENDED:
                ended.set()
                raise
            return None if error.args[0] is Reason.EMPTY else _Page(number, None)

    texts = {}
    for page in _at_once(one, numbers):
        part = page.number + 1
        if page.answer is None:
            missed.pages[part] = Why.UNSEEN
            continue
        read = page.answer.missed
        missed.pages.pop(part, None)
        missed.pages.update(read.pages)
        missed.seen += read.seen
        for told, why in read.parts():
            if told == f"page {part}":
                missed.pages[part] = why
        texts[page.number] = page.answer.pages[0]
    return texts


def _at_once(one: Callable[[int], _Page | None], numbers: Iterable[int]) -> list[_Page]:
    """Read pages; what stands behind the last one, as the values of a form do, is none of them."""
    with ThreadPoolExecutor(pool.SIZE) as threads:
        return [page for page in threads.map(one, numbers) if page]
