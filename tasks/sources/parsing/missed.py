"""What a parser could not read of a document: which part, and why, in our own sentences."""

import json
from collections.abc import Iterator
from enum import StrEnum

from docmill.tasks.sources.parsing.text import cleaned

MOST_PARTS = 100
LONGEST_PART = 200


class Why(StrEnum):
    """Why a part was not read; a child process names one of these, and can say nothing else."""

    ELSEWHERE = "it stands in another file, which is not read: hand that in too"
    PICTURE = "it is a picture: run OCR over it, and hand in the text"
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
    SCANNED = "it is a picture of a page, with no text or hardly any: run OCR over it"
    DRAWN = "its text is drawn as lines, not written as characters: run OCR over it"
    GLYPHS = "its font does not say which letters it shows: run OCR over it"
    XFA = "its pages are drawn by XFA, of which only the filled-in values are read: print it to a PDF"
    STREAM = "its content is damaged in the file: send the file again, or save it anew"
    CUT = "it is missing: send the file again"
    ATTACHMENT = "it is a file within the document: hand it in as a file of its own"


class Missed:
    """Collects what could not be read; a part told twice is told once, and the list has an end."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, Why], None] = {}

    def add(self, part: str, why: Why) -> None:
        """Note a part, such as `page 3` or `attachment scan.pdf`; its words may be the document's."""
        shown = " ".join(cleaned(part[: 10 * LONGEST_PART]).split())[:LONGEST_PART]
        if len(self._parts) < MOST_PARTS:
            self._parts[shown, why] = None
        else:
            self._parts["more parts", Why.MORE] = None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((part, str(why)) for part, why in self._parts)

    def parts(self) -> Iterator[tuple[str, Why]]:
        """Give each part, and why, to be told again in another's words."""
        return iter(self._parts)

    def written(self) -> str:
        """Write it as JSON, each Why by its name."""
        return json.dumps([[part, why.name] for part, why in self._parts])

    @classmethod
    def read(cls, written: str) -> "Missed":
        """Read what a child wrote, which is trusted no more than the document; raises ValueError."""
        said = json.loads(written)
        missed = cls()
        for pair in said if isinstance(said, list) else [None]:
            match pair:
                case [str(part), str(name)] if name in Why.__members__:
                    missed.add(part, Why[name])
                case _:
                    raise ValueError("no list of parts and reasons")
        return missed
