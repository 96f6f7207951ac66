"""A bundle: a file that holds several documents, and where in it each of them stands."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from docmill.schemas.document import Unread
from docmill.schemas.endpoint import Declared
from docmill.schemas.steps import Label, Models, StepOptions, labelled

WITHIN = re.compile(r"(?:#pages=\d+-\d+|#attachment=[^#]+(?:#\d+)?)+\Z")
Labels = dict[
    Annotated[str, Field(min_length=1)],
    Annotated[Label, BeforeValidator(labelled, json_schema_input_type=Label | str | None)],
]
SPLIT = "split"  # the step's id: in an outcome's steps, in a plan, in Prefect's UI


class Pages(StepOptions):
    """What is asked of a page: whether a document begins on it, its number, its sender, its label."""

    labels: Labels = Field(default_factory=dict)


class Split(Declared):
    """How a file of several documents is divided: each page is looked at by a model."""

    labels: Labels = Field(
        default_factory=dict,
        description="Kinds of documents that the pages may belong to: where the kind changes, one begins",
    )
    model: Models | None = Field(default=None, description="The model that looks at pages, or a list of them")
    instructions: str | None = Field(
        default=None, min_length=1, description="The team's own words, which follow the instruction"
    )
    max_tokens: int | None = Field(
        default=None, gt=0, strict=True, description="Limit of the reply, in tokens"
    )
    max_input_tokens: int | None = Field(
        default=None, gt=0, strict=True, description="Reads only the first tokens of a page (bytes / 3)"
    )
    params: dict[str, Any] = Field(
        default_factory=dict, description="Further request parameters, such as temperature"
    )

    def pages(self) -> Pages:
        """Give what is asked of a page."""
        return Pages(**dict(self))


class BundlePart(BaseModel):
    """A document within a file: `name` follows the file's id, and is empty for the file's own text.

    `members` lead to it: the how manieth attachment, from 0, and of that the how manieth. `pages` are its
    first and its last, from 1. `sha256` is of the bytes of the file or of the attachment, None where these
    are damaged. `is_apart` says that what is attached to it are documents of their own, `doubts` why its
    pages may be others.
    """

    model_config = ConfigDict(frozen=True)

    name: str = ""
    members: tuple[int, ...] = ()
    pages: tuple[int, int] | None = None
    sha256: str | None = None
    is_apart: bool = False
    doubts: tuple[Unread, ...] = ()


class Bundle(BaseModel):
    """A file as it was divided; `split_sha256` stands for whatever can change where its documents begin.

    `unseen` says that pictures in it were not read, for want of the extra `ocr`.
    """

    model_config = ConfigDict(frozen=True)

    document_id: str
    content_sha256: str
    split_sha256: str
    parts: tuple[BundlePart, ...]
    unseen: bool = False

    def ids(self) -> list[str]:
        """List its documents' ids."""
        return [self.document_id + part.name for part in self.parts]


def file_of(document_id: str) -> str:
    """Give the id of the file that a document is in; its own where that is the document."""
    return WITHIN.sub("", document_id)
