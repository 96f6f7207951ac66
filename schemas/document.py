"""What is read: a document, once its text is known."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Ocr = Literal["off", "missing", "always"]
BOUNDARY = "boundary"  # what a part is named by that is no part, but where a document begins or ends


class Sight(BaseModel):
    """What is done with pictures: whether they are read, and whether they are `shown` to a model, too."""

    model_config = ConfigDict(frozen=True)

    ocr: Ocr = "missing"
    shown: bool = False


AS_USUAL = Sight()


class Unread(BaseModel):
    """A part of a document that could not be read, such as `page 3`, and why.

    Also `boundary at page 3`, of a file that holds several: whether one begins there is in doubt.
    """

    model_config = ConfigDict(frozen=True)

    part: str
    why: str

    @property
    def is_boundary(self) -> bool:
        """Say whether it is a boundary in doubt."""
        return self.part.startswith(BOUNDARY)

    def line(self) -> str:
        """Tell it in a line."""
        return f"{'in doubt' if self.is_boundary else 'not read'}: {self.part}: {self.why}"


class Recognized(BaseModel):
    """A part of a document that was a picture: from `start` to `end` its text was recognized.

    `confidence` is how sure it is, 0 to 1.
    """

    model_config = ConfigDict(frozen=True)

    part: str
    confidence: float
    start: int
    end: int


class Document(BaseModel):
    """A document's text, and the sha256 of the bytes it was read from, or of a row's text.

    `document_id` is a file's path relative to the working directory where it lies below it, else its
    URI; `uri` is the file's URI. Of a row they are its key, and the database's URL with the key.
    `page_starts` are the offsets in `text`, in characters, at which its pages or sheets begin; the
    first is page `first_page` of its file, and a document without pages has none. `is_paged` says that they
    are pages, which may belong to several documents. `unread` is what is not in `text`, `recognized`
    what of it was a picture, `pictures` these as data URLs where they are to be shown.
    """

    model_config = ConfigDict(frozen=True)

    document_id: str
    uri: str
    content_sha256: str
    text: str
    page_starts: tuple[int, ...] = ()
    unread: tuple[Unread, ...] = ()
    recognized: tuple[Recognized, ...] = ()
    pictures: tuple[str, ...] = ()
    first_page: int = 1
    is_paged: bool = False

    def stretch(self, start: int, end: int) -> "Document":
        """Give a stretch of its text as a document: places count from its beginning; it has no pages."""
        within = [each for each in self.recognized if each.start < end and start < each.end]
        shifted = [
            each.model_copy(
                update={"start": max(each.start, start) - start, "end": min(each.end, end) - start}
            )
            for each in within
        ]
        changed = {"text": self.text[start:end], "recognized": tuple(shifted)}
        return self.model_copy(update={**changed, "page_starts": (), "pictures": ()})
