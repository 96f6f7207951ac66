"""The requests of a step as a run would make them: answered from the cache alone, and counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Self

from prefect.client.schemas.objects import State

from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.plan.amounts import Calls, Span, exactly
from docmill.flows.plan.reducing import reducing
from docmill.flows.run.answer import Requests
from docmill.flows.run.basis import Basis
from docmill.schemas.chat import Completion
from docmill.schemas.errors import Deferred
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.bill import most_usd
from docmill.tasks.chat.request_state import REPAIRS
from docmill.tasks.chat.usage import Allowed
from docmill.tasks.checks.request import parsed

LEAST_SPREAD = 0.05  # of the sizes' mean: of bodies that are all alike no share of a byte can be told


@dataclass
class Read:
    """What replies in the cache have read: sums of the bodies' bytes, of the tokens and of their products."""

    replies: int = 0
    bytes: float = 0.0
    tokens: float = 0.0
    bytes_squared: float = 0.0
    bytes_by_tokens: float = 0.0

    def add(self, size: int, tokens: int) -> None:
        """Take a reply in."""
        self.replies, self.bytes, self.tokens = self.replies + 1, self.bytes + size, self.tokens + tokens
        self.bytes_squared += size * size
        self.bytes_by_tokens += size * tokens

    def fitted(self) -> tuple[float, float] | None:
        """Give the tokens of a byte and of a request beside its bytes; None where the sizes do not tell."""
        mean = self.bytes / self.replies
        spread = self.bytes_squared / self.replies - mean * mean
        if spread < (LEAST_SPREAD * mean) ** 2:
            return None
        together = self.bytes_by_tokens / self.replies - mean * self.tokens / self.replies
        return together / spread, self.tokens / self.replies - together / spread * mean


@dataclass
class Known:
    """What a plan knows of requests: those seen before, and what the cache's replies have read.

    That is by step and model.

    Where the run is to `refresh`, the cache holds nothing. `beyond` are documents with a call that may cost
    more than the whole budget, which no run sends.
    """

    refresh: bool = False
    seen: set[bytes] = field(default_factory=set)
    supposed: set[bytes] = field(default_factory=set)  # of requests that may not be made
    read: dict[tuple[str, str], Read] = field(default_factory=dict)
    beyond: dict[str, None] = field(default_factory=dict)  # in order, each once


@dataclass(kw_only=True)
class Planned(Requests):
    """The requests of one step of a document to one model; `open` says that a reply is not known yet.

    Those of a step that may not be made are not `sure`: they pay for no other. Those of a part of a document
    are counted `within` those of the whole; whether one is made depends on no other part.
    """

    sends = False
    known: Known
    sure: bool = True
    calls: Calls = field(default_factory=Calls)
    open: bool = False
    within: "Planned | None" = None
    from_the_start: bool = field(init=False)

    def __post_init__(self) -> None:
        self.from_the_start = self.open

    def apart(self) -> "Planned":
        """Give requests that are counted with these, and whose open replies leave the others sure."""
        return replace(self, calls=Calls(), within=self)

    async def completion(
        self,
        body: bytes,
        tool: ToolSchema | None,
        after: Sequence[State[Any]],  # noqa: ARG002
        *,
        repairs: int = REPAIRS,  # noqa: ARG002
    ) -> Completion:
        """Give what the cache holds; counts the request, and raises Deferred where it is to be paid."""
        key, found = await self.in_cache(body, tool, refresh=self.known.refresh)
        digest = bytes.fromhex(key.rpartition("/")[2])[:12]
        self._count(self._asked(digest, body, is_cached=found is not None))
        if found is None:
            raise Deferred("its reply is not in the cache")
        of_step = self.known.read.setdefault((self.step.id, self.model), Read())
        of_step.add(len(body), found.prompt_tokens)
        return found

    async def second(
        self, body: bytes, tool: ToolSchema | None, after: Sequence[State[Any]], *, repairs: int = REPAIRS
    ) -> Completion | None:
        """Ask for what can be done without: where its reply is not known, nor is what comes after it."""
        try:
            return await super().second(body, tool, after, repairs=repairs)
        except Deferred:
            self._opened()
            return None

    def of_part(self, basis: Basis, step: StepPlan) -> Self:
        """Give the requests of a part, which are counted with these."""
        begun = replace(self, basis=basis, step=step, calls=Calls(), within=self)
        begun.open = begun.from_the_start = self.from_the_start
        return begun

    def foreseen(self, empty: bytes, answers: int, most: int) -> None:
        """Count the requests that will make one answer of many, whose lengths are not known."""
        allowed = Allowed.of(parsed(empty), len(empty), self.target.endpoint)
        self._count(reducing(answers, most, allowed))

    def _opened(self) -> None:
        self.open = True
        if self.within is not None:
            self.within._opened()

    def _asked(self, digest: bytes, body: bytes, *, is_cached: bool) -> Calls:
        """Say whether a request is paid for: of identical ones the first is, where it is made."""
        if is_cached or digest in self.known.seen:
            return Calls(cached=exactly(1))
        is_sure, paid = self.sure and not self.open, self._paid(body)
        before = digest in self.known.supposed
        (self.known.seen if is_sure else self.known.supposed).add(digest)
        return paid.or_cached() if before else paid

    def _count(self, calls: Calls) -> None:
        self._add(calls.perhaps(0.5) if self.open else calls)

    def _add(self, calls: Calls) -> None:
        self.calls += calls
        if self.within is not None:
            self.within._add(calls)

    def _paid(self, body: bytes) -> Calls:
        request = parsed(body)
        allowed = Allowed.of(request, len(body), self.target.endpoint)
        if budget := self.plan.budget:
            most = most_usd(self.target, allowed, tools="tools" in request)
            if most is not None and Decimal(most) > budget.least():
                self.known.beyond[self.basis.document.document_id] = None
        sizes = exactly(allowed.request_bytes), exactly(allowed.answer_tokens)
        return Calls(exactly(1), Span(), *sizes)
