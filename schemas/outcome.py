"""What became of documents: the outcome of one, and the counts of a run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from docmill.schemas.call import CallMade
from docmill.schemas.decision import Doubt
from docmill.schemas.document import Recognized, Unread
from docmill.schemas.rule import BrokenRule

Status = Literal["done", "unchanged", "review", "invalid", "refused", "failed", "deferred", "quarantined"]
StepStatus = Literal["done", "skipped", "review", "invalid", "refused", "failed", "deferred"]
RunState = Literal["running", "complete", "incomplete", "stopped", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)
GOOD: tuple[Status, ...] = ("done", "review")  # there is an answer: it need not be done again
BAD: tuple[Status, ...] = ("invalid", "refused", "failed")  # by the document's own fault
PASSED_OVER: tuple[Status, ...] = ("unchanged", "quarantined")  # nothing is done with it
NOT_DONE = tuple(status for status in STATUSES if status not in ("done", "unchanged"))

# The outcome of a document is the first of these that one of its steps has, else done.
WORST_FIRST: tuple[StepStatus, ...] = ("failed", "deferred", "invalid", "refused", "review")


class Tally(BaseModel):
    """What calls cost, in this run: attempts are HTTP requests, calls are replies paid.

    Cached tokens are among the prompt's, reasoning ones among the completion's. `cost_usd` is None where a
    call has no price; `cost_estimated` says that a usage or a billing was guessed.
    """

    model_config = ConfigDict(frozen=True)

    attempts: int = 0
    calls: int = 0
    cached_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = 0.0
    cost_estimated: bool = False

    def __add__(self, other: "Tally") -> "Tally":
        known = self.cost_usd is not None and other.cost_usd is not None
        return Tally(
            attempts=self.attempts + other.attempts,
            calls=self.calls + other.calls,
            cached_calls=self.cached_calls + other.cached_calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cost_usd=self.cost_usd + other.cost_usd if known else None,  # type: ignore[operator]
            cost_estimated=self.cost_estimated or other.cost_estimated,
        )

    def tally(self) -> "Tally":
        """Give what calls cost alone, of what has more to say."""
        return Tally(**{name: getattr(self, name) for name in Tally.model_fields})


class MissingRow(BaseModel):
    """A row of a document that stands for no item of the array at `path`.

    `start` and `end` count characters of the text, `end` exclusive.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    start: int
    end: int
    quote: str


class StepOutcome(Tally):
    """What became of one step of one document; `sha256` is that of the step's declaration.

    `schema_sha256` is of what its answer has to satisfy alone. `doubts` is what a person decides, of a step
    in review; None of an earlier version's. `made` are its calls in this run, `keys` the digests of the
    cache's records that it was made of: None where not known. `given` is the record as the run gave it,
    where what people decided has changed it. `reply` is the last one of a step that is invalid, as it came,
    and `rejected` are those before that would not do: of each 16 KB at most. `about` has what the step's
    rules name of the document beside id and uri: review holds a corrected record against the same.
    """

    status: StepStatus
    sha256: str
    schema_sha256: str | None = None
    model: str | None = None  # that answered, or was asked last
    output: Any = None  # str of a summary or label, object of a record: JSON by nature
    seconds: float = 0.0
    doubts: tuple[Doubt, ...] | None = None
    keys: tuple[str, ...] | None = None
    made: tuple[CallMade, ...] | None = None
    reply: str | None = None
    rejected: tuple[str, ...] | None = None
    given: Any = None
    about: dict[str, str | int | None] | None = None
    error: str | None = Field(default=None, exclude=True)
    reason: str | None = Field(default=None, exclude=True)
    truncated: bool = Field(default=False, exclude=True)


class Outcome(Tally):
    """What became of one document: the row of docmill_outcomes but for pipeline, hash and run.

    `typed` holds a done document's records by their extract schema: the typed rows that are written
    in the same transaction. `unread` is None where the document was not read at all, or by an earlier
    version, which could not tell; `recognized`, what was read on its pictures, too. `missing` and
    `broken_rules` are also where no step has a record. `model` is the one that answered last.
    `reviewed_at` is when a person decided the last of what was open; of one in review, when it was rejected.
    `reason` is `error` without what a server or a document said: our own sentence, which logs and events
    may show.
    """

    document_id: str
    uri: str
    content_sha256: str | None
    status: Status
    summary: str | None = None
    label: str | None = None
    record: dict[str, Any] | None = None
    evidence: list[dict[str, Any]] | None = None
    steps: dict[str, StepOutcome] = Field(default_factory=dict)
    truncated: bool = False
    unread: tuple[Unread, ...] | None = None
    recognized: tuple[Recognized, ...] | None = None
    missing: tuple[MissingRow, ...] | None = None
    broken_rules: tuple[BrokenRule, ...] | None = None
    reviewed_at: datetime | None = None
    decisions: int = Field(default=0, exclude=True)  # on the document, that it was made with
    model: str | None = None
    error: str | None = None
    seconds: float = 0.0
    typed: dict[str, dict[str, Any]] = Field(default_factory=dict, exclude=True)
    reason: str | None = Field(default=None, exclude=True)


class Run(Tally):
    """One run of a pipeline: the row of docmill_runs. All times UTC.

    `cost_booked` says that its server booked all that it cost, None where nothing was paid.
    """

    run_id: str
    pipeline: str
    pipeline_sha256: str
    endpoint: str
    model: str
    flow_run_id: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    state: RunState = "running"
    documents_in: int = 0
    max_cost_usd: float | None = None
    shards: int = 1
    cost_booked: bool | None = None
    counts: dict[Status, int] = Field(default_factory=dict)

    def seconds(self) -> float:
        """Say how long it took; 0 where it has not ended."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else 0.0

    def every_count(self) -> dict[str, int]:
        """Give a count for each status there is, 0 included."""
        return {status: self.counts.get(status, 0) for status in STATUSES}

    def counted(self) -> str:
        """Write the counts in one line, such as `16 documents: 15 done, 1 failed`."""
        return counted(self.documents_in, self.counts)


def counted(documents: int, counts: Mapping[Status, int]) -> str:
    """Write how many documents there are, and what became of them."""
    told, said = many(documents, "document"), listed(counts)
    return f"{told}: {said}" if said else told


def many(count: int, noun: str) -> str:
    """Write how many there are of something, such as `1 call` and `1,200 calls`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def bad_share(documents: int, counts: Mapping[Status, int]) -> float:
    """Give the share of documents that are invalid, refused or failed; 29 of 100 are exactly 0.29."""
    return sum(counts.get(status, 0) for status in BAD) / max(documents, 1)


def listed(counts: Mapping[Status, int]) -> str:
    """Write the counts that are not 0, in the order of the statuses, such as `15 done, 1 failed`."""
    return ", ".join(f"{counts[status]:,} {status}" for status in STATUSES if counts.get(status))
