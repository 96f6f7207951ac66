"""Votes: a step's answer asked for several times, and what comes of them together."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prefect.client.schemas.objects import State

from docmill.flows.run.answer import Requests
from docmill.flows.run.held import Held, held_anew
from docmill.schemas.chat import Completion
from docmill.schemas.decision import VOTES, Doubt
from docmill.schemas.errors import ChatError, Deferred, Unreadable
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.request_state import REPAIRS
from docmill.tasks.checks.pointers import pointer
from docmill.tasks.checks.validation import validator
from docmill.tasks.checks.votes import Split, majority, nearest
from docmill.tasks.steps.votes import asking_again, asking_choices

Answered = Callable[[Requests], Awaitable[Held]]
Shared = dict[bytes, Completion | ChatError | Unreadable]


@dataclass(kw_only=True)
class Vote(Requests):
    """The requests of one vote, made by another's; `shared` are the replies that have a choice for each."""

    of: Requests
    vote: int
    shared: Shared = field(default_factory=dict)

    async def completion(
        self, body: bytes, tool: ToolSchema | None, after: Sequence[State[Any]], *, repairs: int = REPAIRS
    ) -> Completion:
        """Ask as this vote asks: for a choice of a reply that has one for it, or by a call of its own."""
        if self.target.endpoint.choices:
            whole = await self._choices(body, tool, after)
            if self.vote < len(whole.choices):
                return whole.model_copy(update=dict(whole.choices[self.vote]) if self.vote else {})
        asked = asking_again(body, self.step.options, self.vote)
        return await self.of.completion(asked, tool, after, repairs=repairs)

    async def second(
        self, body: bytes, tool: ToolSchema | None, after: Sequence[State[Any]], *, repairs: int = REPAIRS
    ) -> Completion | None:
        """Ask for what can be done without; what follows on a reply is this vote's alone."""
        if not self.target.endpoint.choices:
            body = asking_again(body, self.step.options, self.vote)
        return await self.of.second(body, tool, after, repairs=repairs)

    async def _choices(self, body: bytes, tool: ToolSchema | None, after: Sequence[State[Any]]) -> Completion:
        """Ask once for the choices of all votes; what came of it is every vote's."""
        asked = asking_choices(body, self.step.options, self.acts.votes(self.step.options))
        if asked not in self.shared:
            try:
                self.shared[asked] = await self.of.completion(asked, tool, after)
            except (ChatError, Unreadable) as failure:
                self.shared[asked] = failure
        found = self.shared[asked]
        if isinstance(found, Completion):
            return found
        raise found


async def by_votes(requests: Requests, tool: ToolSchema | None, answered: Answered) -> Held:
    """Ask for a step's votes, one after the other, and put them together: what they differ on is doubtful.

    A prompt cache that has read the document for the first serves the others. All have to come: raises what
    the first that does not come raises.
    """
    found: list[Held] = []
    deferred: Deferred | None = None
    shared: Shared = {}
    for vote in range(requests.acts.votes(requests.step.options)):
        of = requests.apart()
        own = Vote(of.plan, of.basis, of.step, of.model, of.states, of=of, vote=vote, shared=shared)
        try:
            found.append(await answered(own))
        except Deferred as failure:
            deferred = deferred or failure
            if requests.sends:
                break
    if deferred:
        raise deferred
    if tool is None:
        return _labelled(found)
    length = len(requests.basis.document.text)
    return await requests.computed(length, lambda: _together(requests, tool, found))


def _labelled(votes: Sequence[Held]) -> Held:
    label, splits = majority([each.record for each in votes])
    return Held(label, split=_doubts(splits))


def _together(requests: Requests, tool: ToolSchema, votes: Sequence[Held]) -> Held:
    """Hold the record of what most votes give against the document; one as a vote gave it was held before.

    Where the schema does not take what is put together field by field, the nearest vote is taken whole.
    """
    records = [each.record for each in votes]
    merged, splits = majority(records)
    near = nearest(merged, records)
    whole = not splits or not validator(tool.parameters).is_valid(merged)
    alike = whole or not majority([merged, records[near]])[1]
    now = votes[near] if alike else held_anew(requests.basis, requests.step, merged, tool, votes[0])
    return replace(now, split=_doubts(splits))


def _doubts(splits: Sequence[Split]) -> tuple[Doubt, ...]:
    return tuple(Doubt(path=pointer(each.path), about=VOTES, wrong=str(each)) for each in splits)
