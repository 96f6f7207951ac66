"""The requests of one step of one document, and the better of two records where a first leaves out rows."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, TypeVar

from prefect.client.schemas.objects import State

from docmill.flows.pipeline.plan import Plan, StepPlan
from docmill.flows.run.basis import Basis
from docmill.flows.run.failures import status
from docmill.flows.run.held import Held, held
from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.errors import ChatError, Unreadable
from docmill.schemas.steps import DOCUMENT
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.cache import cached
from docmill.tasks.chat.key import cache_key
from docmill.tasks.chat.request_state import REPAIRS
from docmill.tasks.checks.pictures import with_pictures
from docmill.tasks.checks.request import has_room, parsed, require_room
from docmill.tasks.steps.again import asked_again
from docmill.tasks.steps.kind import StepKind, kind
from docmill.tasks.steps.prompt import unsent_schema

LONGEST_ON_LOOP_CHARS = 16_384
Made = TypeVar("Made")


@dataclass
class Requests:
    """What a step of a document asks a model for; `states` are those of its task runs.

    `sends` says that it waits for replies: one that does not come ends its step. Where it does not, parts of
    a long text are asked for although others have failed.
    """

    sends: ClassVar[bool] = True
    plan: Plan
    basis: Basis
    step: StepPlan
    model: str
    states: list[State[Any]] = field(default_factory=list)

    @property
    def acts(self) -> StepKind[Any]:
        """What the step's kind decides."""
        return kind(self.step.kind)

    @property
    def target(self) -> Target:
        """The endpoint and the model that answer."""
        return self.plan.target.model_copy(update={"model": self.model})

    def apart(self) -> "Requests":
        """Give requests whose course says nothing of the others'."""
        return self

    def body(self, text: str, tool: ToolSchema | None) -> bytes:
        """Build the canonical body that asks the step's question, with the document's pictures if shown."""
        options = self.step.options
        body = self.acts.request(text, options, tool, self.target)
        whole = options.input == DOCUMENT and options.max_input_tokens is None
        pictures = self.basis.document.pictures if whole else ()
        shown = with_pictures(parsed(body), pictures) if pictures else body
        # What is read in parts for want of room would show none either.
        return body if options.long == "parts" and not has_room(shown, self.target.endpoint) else shown

    async def in_cache(
        self, body: bytes, tool: ToolSchema | None, *, refresh: bool = False
    ) -> tuple[str, Completion | None]:
        """Give a body's key, and what the cache holds for it: nothing for a run that is to refresh.

        Raises Unreadable for a body that is too long.
        """
        require_room(body, self.target.endpoint)
        key = cache_key(body, unsent_schema(self.target, tool), self.target.identity)
        return key, None if refresh else await cached(key)

    async def completion(
        self, body: bytes, tool: ToolSchema | None, after: Sequence[State[Any]], *, repairs: int = REPAIRS
    ) -> Completion:
        """Ask for the completion of a body, after those task runs or else after the steps before.

        A reply that is not valid is asked for anew so many times.
        """
        raise NotImplementedError

    async def second(
        self, body: bytes, tool: ToolSchema | None, after: Sequence[State[Any]], *, repairs: int = REPAIRS
    ) -> Completion | None:
        """Ask for what can be done without; None where nothing comes, unless that defers the document."""
        try:
            return await self.completion(body, tool, after, repairs=repairs)
        except (ChatError, Unreadable) as failure:
            if status(failure) == "deferred":
                raise
            return None

    def of_part(self, basis: Basis, step: StepPlan) -> Self:
        """Give the requests of a part of the document."""
        return replace(self, basis=basis, step=step)

    def foreseen(self, empty: bytes, answers: int, most: int) -> None:
        """Take note that so many answers, which are not known, will be made one.

        `empty` is the body that asks for it, without an answer, and `most` the bytes that it takes of them.
        """

    async def computed(self, length: int, make: Callable[[], Made]) -> Made:
        """Compute what takes long where so many characters are looked at: then in a thread."""
        return make() if length <= LONGEST_ON_LOOP_CHARS else await asyncio.to_thread(make)


async def whole_record(requests: Requests, text: str, tool: ToolSchema) -> Held:
    """Ask for a record of a text, and once more where rows stand for no item or a rule is broken.

    That is one of the step's repairs.
    """
    body = requests.body(text, tool)
    completion = await requests.completion(body, tool, [])
    first = await _held(requests, completion, tool)
    if not (first.missing or first.broken) or completion.repairs >= REPAIRS:
        return first
    reply = json.dumps(first.record, ensure_ascii=False)
    again = asked_again(body, reply, first.missing, first.broken)
    left = REPAIRS - 1 - completion.repairs  # it is a repair itself
    better = await requests.second(again, tool, requests.states[-1:], repairs=left)
    if better is None:
        return first
    second = await _held(requests, better, tool)
    return second if second.is_better(first) else first


async def _held(requests: Requests, completion: Completion, tool: ToolSchema) -> Held:
    """Hold the record of a completion against the document."""
    record = requests.acts.read(completion, requests.step.options)
    length = len(requests.basis.document.text) + len(completion.text)
    return await requests.computed(length, lambda: held(requests.basis, requests.step, record, tool))
