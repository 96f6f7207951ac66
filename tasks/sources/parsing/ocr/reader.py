"""Pictures of a document read in a child: their text where it is sure enough, and what is not."""

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.kinds import kind_of
from docmill.tasks.sources.parsing.missed import Missed, Seen, Why
from docmill.tasks.sources.parsing.ocr import engine, image, lines
from docmill.tasks.sources.parsing.text import cleaned

LEAST_SURE = 0.75  # of a page, 0 to 1: below it words are wrong that look right
LEAST_SIDE = 20  # pixels: no letter is smaller
MOST_PICTURES = 20  # within a document: each takes seconds


class Reader:
    """Reads the pictures of one document; `always` reads pages of a PDF that have a text, too."""

    def __init__(self, *, always: bool = False) -> None:
        self.always = always
        self._left = MOST_PICTURES

    def picture(self, part: str, content: bytes, missed: Missed) -> str:
        """Give the text of a picture within a document, of all its frames; what is not read is told."""
        try:
            count = image.count(content)
            texts = [self._frame(content, number, count, part, missed) for number in range(min(count, 100))]
        except Unreadable:
            missed.add(part, Why.DAMAGED if kind_of(content, "") == "image" else Why.KIND)
            return ""
        return "\n\n".join(filter(None, texts))

    def _frame(self, content: bytes, number: int, count: int, part: str, missed: Missed) -> str:
        named = part if count == 1 else f"{part}, page {number + 1}"
        if not self.takes(part, missed):
            return ""
        return read(named, image.frame(content, number), missed) or ""

    def takes(self, part: str, missed: Missed) -> bool:
        """Say whether one more is read; tells where it is one too many."""
        self._left -= 1
        if self._left < 0:
            missed.add(part, Why.MANY)
        return self._left >= 0


def read(part: str, picture: engine.Picture, missed: Missed) -> str | None:
    """Give the text of a picture, empty where nothing is written on it; None where it is not sure enough."""
    boxes = engine.recognized(picture) if min(picture.shape[:2]) >= LEAST_SIDE else []
    if not boxes:
        return ""
    sure = lines.confidence(boxes)
    if sure < LEAST_SURE:
        missed.add(part, Why.UNSURE)
        return None
    if lines.faint(boxes):
        missed.add(part, Why.FAINT)
    text = cleaned(lines.text_of(boxes)).strip()
    missed.seen.append(Seen(part, sure, text))
    return text
