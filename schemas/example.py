"""Examples of a step: documents with the answer that it should give."""

from typing import Any, Literal, get_args

from pydantic import Field

from docmill.schemas.endpoint import Declared

Answer = Literal["summary", "label", "record", "answer"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)


class Example(Declared):
    """A document (or its beginning), and what a step of its kind should answer.

    `label` is the answer of classify, and beside a record what chooses its tool schema.
    """

    document: str = Field(min_length=1, description="The document's text, or its beginning")
    summary: str | None = Field(default=None, min_length=1, description="What summarize should answer")
    label: str | None = Field(
        default=None, min_length=1, description="What classify should answer; of extract, what `by` chose"
    )
    record: dict[str, Any] | None = Field(
        default=None, description="What extract, or ask with a schema, should answer"
    )
    answer: str | None = Field(default=None, min_length=1, description="What ask should answer")
