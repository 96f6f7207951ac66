"""What is doubtful of a document in review, and what people decide about it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["accept", "correct", "reject", "undo"]

VALUE, CHANGED, CONFLICT, MISSING, REPEATED = "value", "changed", "conflict", "missing", "repeated"
VOTES = "votes"
OF_VALUES = (VALUE, CHANGED, CONFLICT, MISSING, REPEATED, VOTES)  # about a value or an array of a record
LABEL = "label"  # what a step's label is named by, behind the step
DOCUMENT = "document"  # what a rejection is about
RULE, UNREAD, LENGTH, RECORD = "rule", "unread", "length", "record"


class Doubt(BaseModel):
    """What is doubtful of a step's record or label.

    `path` is a JSON Pointer into the record, '' for the whole, as which a label counts. `about` is `value`
    (not in the document), `changed` (a run gives another value than the one decided), `conflict` (parts of
    a long document say different), `missing` or `repeated` (of an array), `votes` (the step's answers
    differ on it),
    `rule NAME`, `unread PART`, `length` or `record`. `offered` is what the run gave where another value
    was kept, `rows` how many rows stand for no item.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    about: str
    wrong: str
    rows: int = 0
    offered: Any = None


class Waiting(BaseModel):
    """How many documents of a pipeline wait for a person: those that one run made, and all."""

    model_config = ConfigDict(frozen=True)

    of_run: int = 0
    in_all: int = 0

    def __str__(self) -> str:
        waits = f"{self.in_all:,} wait{'s' * (self.in_all == 1)} in review"
        earlier = self.in_all - self.of_run
        if not earlier:
            return f"{waits}, of this run"
        return f"{waits}, {self.of_run:,} of this run and {earlier:,} of earlier ones"


NONE_WAITING = Waiting()


class OpenPoint(Doubt):
    """A doubt that nobody has decided: `value` is what stands, `quote` what the document says of it."""

    step: str
    name: str
    value: Any = None
    quote: str | None = None


class Decision(BaseModel):
    """What a person decided about one point of a document: a row of docmill_decisions.

    `before` is the value as the run gave it, `after` the value that stands; of a decision about the whole
    record, such as one on a rule, both are the record. A label is a value without a path. `within` is the
    item that a path in an array leads into, as the run gave it: the decision holds for that item alone.
    """

    model_config = ConfigDict(frozen=True)

    document_id: str
    content_sha256: str | None
    step: str
    path: str
    about: str
    decision: Verdict
    before: Any = None
    after: Any = None
    within: Any = None
    by: str
    note: str = ""
    at: datetime

    @property
    def of_label(self) -> bool:
        """Whether it decides a label."""
        return self.about in OF_VALUES and not self.path and isinstance(self.after, str)
