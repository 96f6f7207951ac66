"""What replaces a pipeline's own for one run."""

import json
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Literal

from docmill.schemas.bundle import file_of

Shards = int | Literal["auto"]  # how many flow runs do a run's documents


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What the command line or a flow's parameters replace of a pipeline; None leaves it."""

    documents: str | None = None
    into: str | None = None
    endpoint: str | None = None
    model: str | None = None
    concurrency: int | None = None
    limit: int | None = None
    document: tuple[str, ...] = ()
    sample: int | None = None
    yes: bool = False  # a person has confirmed what it may cost
    max_cost: Decimal | None = None  # USD
    only: frozenset[str] | None = None  # the documents that `retry` takes, where they are there still
    retried: tuple[str, ...] | None = None  # the statuses by which those were chosen
    released: bool = False  # those in quarantine are taken, too
    trial: bool = False  # whose results are held against no labels
    refresh: bool = False
    gone: tuple[str, ...] = ()  # folders of which a person says that they are gone for good
    shards: Shards = 1
    as_kept: bool = False  # its steps show the examples of reviews that are kept: a shard's, those of its run

    def takes_all(self) -> bool:
        """Say whether all that the pipeline's own source lists is taken up."""
        parts = self.documents, self.limit, self.sample, self.only
        return not self.document and not self.trial and all(each is None for each in parts)

    def names_parts(self) -> bool:
        """Say whether documents within files are named: then these are not divided again."""
        return any(file_of(each) != each for each in (*self.document, *(self.only or ())))

    def selection(self) -> str:
        """Hash which documents are taken up: two runs that agree in it do the same.

        Of a retry it is what was asked: what its shards have done since is no longer among its documents.
        """
        only: object = sorted(self.only) if self.only is not None else None
        if self.retried is not None:
            only = {"retried": sorted(self.retried), "released": self.released}
        chosen = json.dumps([self.documents, self.limit, self.document, self.sample, only])
        return sha256(chosen.encode()).hexdigest()
