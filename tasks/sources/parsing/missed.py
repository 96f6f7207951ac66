"""What a parser could not read of a document: which part, and why, in our own sentences."""

import json
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from docmill.tasks.sources.parsing.reasons import EXTRA, MAX_PAGES
from docmill.tasks.sources.parsing.text import cleaned

if TYPE_CHECKING:
    from docmill.tasks.sources.parsing.ocr.reader import Reader

MOST_PARTS = 100
LONGEST_PART = 200


class Why(StrEnum):
    """Why a part was not read; a child process names one of these, and can say nothing else."""

    ELSEWHERE = "it stands in another file, which is not read: hand that in too"
    PICTURE = f"it is a picture: {EXTRA}, or hand in its text"
    CHART = "it is a chart, whose values are not read"
    EMBEDDED = "it is a file within the file, which is not read: hand it in on its own"
    UNSAVED = "a formula without a saved value: open the file in its own program, and save it anew"
    LOCKED = "it is encrypted: hand it in without a password or key"
    SEALED = "it is wrapped in a signature that is not opened: hand in its text"
    OUTLOOK = "it is Outlook's own format, which is not read: send the mail as HTML or plain text"
    KIND = "files of its kind are not read"
    DAMAGED = "it is damaged or incomplete"
    NO_TEXT = "it holds no text"
    LARGE = "it is too large, or nested too deeply"
    MORE = "further parts could not be read either"
    ENCODING = "its encoding cannot be told, another is as likely: save the file as UTF-8"
    MIXED = "it is written in two encodings: save the file as UTF-8"
    BROKEN = "they are broken in the file: save it anew, as UTF-8"
    SCANNED = f"it is a picture of a page, with no text or hardly any: {EXTRA}, or run OCR over it"
    DRAWN = f"its text is drawn as lines, not written as characters: {EXTRA}, or run OCR over it"
    GLYPHS = f"its font does not say which letters it shows: {EXTRA}, or run OCR over it"
    GARBLED = (
        f"its letters are not those that it shows, by a broken font or encoding: {EXTRA}, or print it anew"
    )
    XFA = "its pages are drawn by XFA, of which only the filled-in values are read: print it to a PDF"
    STREAM = "its content is damaged in the file: send the file again, or save it anew"
    CUT = "it is missing: send the file again"
    UNSURE = "what it shows cannot be read with confidence: scan or photograph it again, straight and sharp"
    FAINT = "some of its lines cannot be read with confidence: look at them yourself"
    UNSEEN = "its picture took too much time or memory to read, or is damaged: hand it in on its own"
    MANY = "the document has more pictures than are read: split it"
    ATTACHMENT = "it is a file within the document: hand it in as a file of its own"


class Seen(NamedTuple):
    """A part that was a picture: how sure its text is, 0 to 1, and the text."""

    part: str
    confidence: float
    text: str


class Missed:
    """Collects what could not be read; a part told twice is told once, and the list has an end.

    `reader` reads pictures in a child that can; `pages` are those of a PDF that it could read, `seen`
    what it has read.
    """

    def __init__(self, reader: "Reader | None" = None) -> None:
        self.reader = reader
        self.pages: dict[int, Why] = {}
        self.seen: list[Seen] = []
        self._parts: dict[tuple[str, Why], None] = {}

    def add(self, part: str, why: Why) -> None:
        """Note a part, such as `page 3` or `attachment scan.pdf`; its words may be the document's."""
        shown = " ".join(cleaned(part[: 10 * LONGEST_PART]).split())[:LONGEST_PART]
        self._parts[shown, why] = None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((part, str(why)) for part, why in self.parts())

    def parts(self) -> Iterator[tuple[str, Why]]:
        """Give each part, and why, to be told again in another's words: pages first."""
        pages = ((f"page {number}", why) for number, why in sorted(self.pages.items()))
        every = dict.fromkeys((*pages, *self._parts))
        yield from list(every)[:MOST_PARTS]
        if len(every) > MOST_PARTS:
            yield "more parts", Why.MORE

    def within(self, part: str, inner: "Missed") -> None:
        """Tell what a file within the document has not given, and what was seen of it."""
        for told, why in inner.parts():
            self.add(f"{part}, {told}", why)
        self.seen += [seen._replace(part=f"{part}, {seen.part}") for seen in inner.seen]

    def instead(self, whys: Collection[Why], why: Why) -> "Missed":
        """Give the same parts, with another reason for those that have one of these."""
        told = Missed()
        for part, of in self.parts():
            told.add(part, why if of in whys else of)
        return told

    def picture(self, part: str, content: bytes) -> str:
        """Give the text of a picture; empty where nobody reads it here, which is told."""
        if self.reader is None:
            self.add(part, Why.PICTURE)
            return ""
        return self.reader.picture(part, content, self)

    def written(self) -> str:
        """Write it as JSON, each Why by its name."""
        pages = [[number, why.name] for number, why in self.pages.items()]
        parts = [[part, why.name] for part, why in list(self._parts)[: MOST_PARTS + 1]]
        return json.dumps([pages, parts, self.seen])

    @classmethod
    def read(cls, written: str) -> "Missed":
        """Read what a child wrote, which is trusted no more than the document; raises ValueError."""
        missed = cls()
        match json.loads(written):
            case [list(pages), list(parts), list(seen)]:
                for each in pages:
                    missed._page(each)
                for each in parts:
                    missed._part(each)
                for each in seen:
                    missed._seen(each)
            case _:
                raise ValueError("not three lists")
        return missed

    def _page(self, said: object) -> None:
        match said:
            case [int(number), str(name)] if name in Why.__members__ and 1 <= number <= MAX_PAGES:
                self.pages[number] = Why[name]
            case _:
                raise ValueError("no page and reason")

    def _part(self, said: object) -> None:
        match said:
            case [str(part), str(name)] if name in Why.__members__ and len(self._parts) <= MOST_PARTS:
                self.add(part, Why[name])
            case _:
                raise ValueError("no part and reason")

    def _seen(self, said: object) -> None:
        match said:
            case [str(part), float() | int() as confidence, str(text)] if 0 <= confidence <= 1:
                self.seen.append(Seen(part[:LONGEST_PART], float(confidence), text))
            case _:
                raise ValueError("nothing that was seen")
