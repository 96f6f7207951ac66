"""What a parent asks of pictures alone: how many there are, one as text, one as it is drawn."""

from typing import assert_never

from docmill.tasks.sources.parsing import wire
from docmill.tasks.sources.parsing.kinds import Look
from docmill.tasks.sources.parsing.missed import Missed
from docmill.tasks.sources.parsing.ocr import image
from docmill.tasks.sources.parsing.ocr.reader import Reader, read
from docmill.tasks.sources.parsing.pdf import pdf


def answer(kind: Look, content: bytes, missed: Missed) -> str:
    """Give what is asked for, of one page but for `frames`; raises Unreadable."""
    if kind == "frames":
        return str(image.count(content))
    number, always, document = wire.asked(content)
    match kind:
        case "frame":
            return read(f"page {number + 1}", image.frame(document, number), missed) or ""
        case "page":
            missed.reader = Reader(always=always)
            return pdf.page(document, number, missed)
        case "look":
            return image.data_url(image.frame(document, number))
        case "view":
            return image.data_url(pdf.drawn(document, number))
        case _:
            assert_never(kind)
