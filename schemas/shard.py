"""A shard: the part of a run's documents that one flow run on a worker brings to their outcomes."""

from hashlib import sha256
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from docmill.schemas.bundle import file_of
from docmill.schemas.outcome import Status, Tally

PLACES = 2**31  # a document's place is 31 bits of its id's sha256

ShardState = Literal["waiting", "running", "complete", "incomplete", "stopped", "failed"]


class Part(BaseModel):
    """Which part of which run is done, in its how manieth attempt; shards count from 1.

    `begun_at` (seconds since the epoch) is when the run began, where it asks everything anew. `cache` is the
    identity of the run's cache.
    """

    model_config = ConfigDict(frozen=True)

    run_id: str
    shard: int = Field(ge=1)
    shards: int = Field(ge=1)
    attempt: int = Field(ge=1)
    begun_at: float = 0.0
    cache: str = ""

    @property
    def name(self) -> str:
        """Its name among what lives on a cache."""
        return part_name(self.run_id, self.shard)


class Shard(Tally):
    """What a shard has come to in all its attempts: a row of docmill__shards.

    `first` to `beyond` (exclusive) are the places of its documents. `beats` grows while it lives.
    `error_kind` names the class of what stopped it. `cost_booked` is as a run has it.
    """

    model_config = ConfigDict(frozen=True)

    shard: int
    first: int
    beyond: int
    documents: int
    attempt: int = 0
    flow_run_id: str | None = None
    state: ShardState = "waiting"
    beats: int = 0
    counts: dict[Status, int] = Field(default_factory=dict)
    error: str | None = None
    error_kind: str | None = None
    cost_booked: bool | None = None

    def finished(self) -> bool:
        """Say whether each of its documents has an outcome that stands."""
        in_all = sum(self.counts.values())
        return self.state in ("complete", "incomplete") and in_all == self.documents


def part_name(run_id: str, shard: int) -> str:
    """Name a shard of a run among what lives on a cache."""
    return f"{run_id}/{shard}"


def place(document_id: str) -> int:
    """Say where a document stands in the range that shards divide: from 0 to PLACES, exclusive."""
    # What one file holds is in one shard.
    return int.from_bytes(sha256(file_of(document_id).encode(errors="surrogatepass")).digest()[:4]) >> 1


def ranges(shards: int) -> list[tuple[int, int]]:
    """Divide the range of places into so many parts, which differ by one place at most."""
    bounds = [PLACES * shard // shards for shard in range(shards + 1)]
    return list(pairwise(bounds))
