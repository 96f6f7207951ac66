"""What the calls of a step of a document were, until its outcome takes them."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from docmill.schemas.call import CallKind, CallMade, short
from docmill.schemas.chat import Completion
from docmill.schemas.outcome import Tally

MOST = 40  # calls of a step that are kept one by one: the first ones
MOST_REJECTED = 3  # replies of a step: what one request comes to with its repairs
TOKENS = ("prompt_tokens", "completion_tokens", "cached_tokens")
Caller = tuple[str, str]  # document, step


@dataclass
class Made:
    """The calls of one step of one document, and the keys of all records that it was made of.

    `rejected` are the replies that would not do, of many the last ones.
    """

    calls: list[CallMade] = field(default_factory=list)
    keys: dict[str, None] = field(default_factory=dict)  # in their order
    rejected: deque[str] = field(default_factory=partial(deque, maxlen=MOST_REJECTED))

    def before(self, last: str | None) -> tuple[str, ...] | None:
        """Give the replies that would not do, but for the last one where that is known by itself."""
        found = tuple(self.rejected)
        return (found[:-1] if last and found[-1:] == (last,) else found) or None

    def add(self, call: CallMade) -> None:
        """Keep a call, of a step with very many the first ones alone."""
        if len(self.calls) < MOST:
            self.calls.append(call)


class CallsMade:
    """The calls of all steps that are on their way."""

    def __init__(self) -> None:
        self._of: defaultdict[Caller, Made] = defaultdict(Made)

    def tried(self, caller: Caller, kind: CallKind, key: str, model: str, cost: Tally) -> None:
        """Note an attempt, with what was booked for it."""
        told = cost.model_dump(include={*TOKENS, "reasoning_tokens", "cost_usd"})
        self._of[caller].add(CallMade(at=datetime.now(UTC), kind=kind, model=model, key=short(key), **told))

    def rejected(self, caller: Caller, reply: str) -> None:
        """Note a reply that would not do."""
        self._of[caller].rejected.append(reply)

    def answered(self, caller: Caller, key: str, model: str, reply: Completion, *, cached: bool) -> None:
        """Note the record that answers a request: an outcome needs it as long as it stands."""
        made = self._of[caller]
        made.keys[key.rpartition("/")[2]] = None
        if cached:
            tokens = reply.model_dump(include=set(TOKENS))
            made.add(CallMade(at=datetime.now(UTC), kind="cached", model=model, key=short(key), **tokens))

    def take(self, caller: Caller) -> Made:
        """Take what a step of a document asked, and forget it."""
        return self._of.pop(caller, Made())
