"""What is read: a document, before and after its text is known."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class DocumentRef(BaseModel):
    """A document that a source lists, not read yet.

    `document_id` is the path relative to the working directory where it lies below it, else
    absolute; `uri` is the file's URI.
    """

    model_config = ConfigDict(frozen=True)

    document_id: str
    uri: str
    path: Path


class Document(BaseModel):
    """A document's text, and the sha256 of the bytes it was read from."""

    model_config = ConfigDict(frozen=True)

    document_id: str
    uri: str
    content_sha256: str
    text: str
