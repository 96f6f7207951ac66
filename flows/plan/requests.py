"""The requests of a step as a run would make them: answered from the cache alone, and counted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from prefect.client.schemas.objects import State

from docmill.flows.plan.amounts import Calls, Span, exactly
from docmill.flows.run.answer import Requests
from docmill.schemas.chat import Completion
from docmill.schemas.errors import Deferred
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.cache import cached
from docmill.tasks.chat.key import cache_key
from docmill.tasks.chat.usage import Allowed
from docmill.tasks.checks.request import parsed, require_room
from docmill.tasks.steps.prompt import unsent_schema


@dataclass
class Read:
    """The bodies and the prompts' tokens of replies that the cache holds: what a byte comes to."""

    bytes: int = 0
    tokens: int = 0
    replies: int = 0


@dataclass
class Known:
    """What a plan knows of requests: those seen before, and what the cache's replies have read, by model.

    Where the run is to `refresh`, the cache holds nothing.
    """

    refresh: bool = False
    seen: set[bytes] = field(default_factory=set)
    read: dict[str, Read] = field(default_factory=dict)


@dataclass(kw_only=True)
class Planned(Requests):
    """The requests of one step of a document to one model; `open` says that a reply is not known yet.

    Those of a step that may not be made are not `sure`: they pay for no other.
    """

    known: Known
    sure: bool = True
    calls: Calls = field(default_factory=Calls)
    open: bool = False

    async def completion(
        self,
        body: bytes,
        tool: ToolSchema | None,
        after: Sequence[State[Any]],  # noqa: ARG002
    ) -> Completion:
        """Give what the cache holds; counts the request, and raises Deferred where it is to be paid."""
        require_room(body, self.target.endpoint)
        key = cache_key(body, unsent_schema(self.target, tool), self.target.identity)
        found = None if self.known.refresh else await cached(key)
        digest = bytes.fromhex(key.rpartition("/")[2])[:12]
        if found is not None or digest in self.known.seen:
            self._count(Calls(cached=exactly(1)))
        else:
            if self.sure and not self.open:
                self.known.seen.add(digest)
            self._count(self._paid(body))
        if found is None:
            raise Deferred("its reply is not in the cache")
        read = self.known.read.setdefault(self.model, Read())
        read.bytes, read.tokens = read.bytes + len(body), read.tokens + found.prompt_tokens
        read.replies += 1
        return found

    async def second(
        self, body: bytes, tool: ToolSchema | None, after: Sequence[State[Any]]
    ) -> Completion | None:
        """Ask for what can be done without: where its reply is not known, nor is what comes after it."""
        try:
            return await super().second(body, tool, after)
        except Deferred:
            self.open = True
            return None

    def _count(self, calls: Calls) -> None:
        self.calls += calls.perhaps(0.5) if self.open else calls

    def _paid(self, body: bytes) -> Calls:
        allowed = Allowed.of(parsed(body), len(body), self.target.endpoint)
        sizes = exactly(allowed.request_bytes), exactly(allowed.answer_tokens)
        return Calls(exactly(1), Span(), *sizes)
