"""A record that was extracted from a text, with where each of its values stands there."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Value = TypeVar("Value")


class Evidence(BaseModel):
    """Where a value stands in its text; all but `path` is None where it was not found.

    `path` is such as `lines[0].price`. `start` and `end` are offsets in characters, `quote` is the
    text between them, `page` counts from 1 where the text has pages. `similar` says that the quote,
    read on a picture, only looks like the value, and how sure that page is, 0 to 1.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    page: int | None
    start: int | None
    end: int | None
    quote: str | None
    similar: float | None = None


class Record(BaseModel, Generic[Value]):
    """What `docmill.extract` gives.

    `value` satisfies the schema: an object of the pydantic class that was given, else a dict.
    `evidence` has an entry for each value that has to stand in the text, of the same fields as the
    column of `docmill_outcomes`. `missing` lists the paths of those that do not: a person decides.

    >>> record = await docmill.extract("Total due: 318.40 EUR", {"properties": {"total": {"type": "number"}}})
    >>> record.value, record.missing
    ({'total': 318.4}, ())
    >>> record.evidence[0].start, record.evidence[0].quote
    (11, '318.40')
    """

    model_config = ConfigDict(frozen=True)

    value: Value
    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...]
