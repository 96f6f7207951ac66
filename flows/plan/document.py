"""What one document would ask: exactly as far as the cache has its replies, then in every way it may go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from docmill.flows.pipeline.plan import Plan, StepPlan
from docmill.flows.plan.amounts import NOTHING, Amounts, Calls, Span, added, either, exactly
from docmill.flows.plan.reducing import perhaps_in_parts
from docmill.flows.plan.requests import Known, Planned
from docmill.flows.plan.ways import Open, Shares, Way, opened, ways
from docmill.flows.run.basis import Basis
from docmill.flows.run.held import Held
from docmill.flows.run.inputs import input_of
from docmill.flows.run.labels import as_decided
from docmill.flows.run.models import in_turn
from docmill.flows.run.step import answered
from docmill.schemas.decision import Decision
from docmill.schemas.document import Document
from docmill.schemas.errors import Deferred, Unreadable
from docmill.schemas.outcome import StepOutcome
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.usage import Allowed
from docmill.tasks.checks.request import parsed
from docmill.tasks.steps.kind import kind
from docmill.tasks.steps.long import room
from docmill.tasks.steps.votes import bodies

BYTES_OF_A_TOKEN = 8  # that a model writes, at most but for rare words


@dataclass
class Forecast:
    """A document on its way through a plan's steps: known outcomes, open ones, and steps that cannot be made.

    `turns` are the shares of a step's documents that come to its second, third … model.
    """

    plan: Plan
    known: Known
    shares: Shares
    turns: Mapping[str, tuple[float, ...]]
    decisions: Sequence[Decision] = ()  # on its labels
    outcomes: dict[str, StepOutcome] = field(default_factory=dict)
    unknown: dict[str, Open] = field(default_factory=dict)
    halted: set[str] = field(default_factory=set)
    sure: bool = True  # that there is such a document

    async def of(self, document: Document) -> Amounts:
        """Count what the document would ask."""
        basis = Basis(document)
        return added([await self._step(basis, step) for step in self.plan.steps])

    async def _step(self, basis: Basis, step: StepPlan) -> Amounts:
        if self.halted.intersection(step.needs):
            self.halted.add(step.id)
            return NOTHING
        found = ways(step, self.outcomes, self.unknown, self.shares)
        if len(found) == 1 and step.options.input not in self.unknown:
            [way] = found
            return await self._known_way(basis, step, way)
        self.unknown[step.id] = opened(step, found)
        counted = [(share, await self._way(basis, step, way)) for way, share in found.items()]
        if all(amounts is None for _, amounts in counted):
            self.halted.add(step.id)
        return either([(share, amounts or NOTHING) for share, amounts in counted])

    async def _known_way(self, basis: Basis, step: StepPlan, way: Way) -> Amounts:
        """Count a step that goes one way alone; its outcome is known where the cache has its replies."""
        if not way.is_wanted:
            self.outcomes[step.id] = StepOutcome(status="skipped", sha256=step.sha256)
            return NOTHING
        amounts, held, failure = await self._asked(basis, step, way, sure=self.sure)
        if failure is not None and not isinstance(failure, Deferred):
            self.halted.add(step.id)
        elif held is None:
            self.unknown[step.id] = opened(step, {way: 1.0})
        else:
            outcome = StepOutcome(status="done", sha256=step.sha256, output=held.record)
            self.outcomes[step.id] = as_decided(step, outcome, self.decisions)
            basis.outputs[step.id] = self.outcomes[step.id].output
        return amounts

    async def _way(self, basis: Basis, step: StepPlan, way: Way) -> Amounts | None:
        """Count a step in one of the ways that it may go; None where no request has room for its text."""
        if not way.is_wanted:
            return NOTHING
        if step.options.input in self.unknown:
            try:
                return {(step.id, model): self._unread(step, way, model) for model in step.models}
            except Unreadable:
                return None
        amounts, _, _ = await self._asked(basis, step, way, sure=False)
        return amounts

    async def _asked(
        self, basis: Basis, step: StepPlan, way: Way, *, sure: bool = True
    ) -> tuple[Amounts, Held | None, Exception | None]:
        """Count the requests of a step; gives what it held where that is known, or what failed."""
        made: list[Planned] = []
        text = input_of(step, self.outcomes, basis.document)
        tool = self.plan.tools[way.schema] if way.schema else None

        async def reply_of(model: str) -> Held:
            before = any(each.open for each in made)  # then this model may not be asked
            made.append(Planned(self.plan, basis, step, model, known=self.known, sure=sure, open=before))
            return await answered(made[-1], text, tool)

        answer = await in_turn(step, reply_of, lambda _: False)
        amounts = added({(step.id, each.model): each.calls} for each in made)
        if isinstance(answer.failure, Deferred):
            self._perhaps_others(step, made[-1], amounts)
        is_open = answer.failure is not None or any(each.open for each in made)
        return amounts, None if is_open else answer.held, answer.failure

    def _perhaps_others(self, step: StepPlan, last: Planned, amounts: dict[tuple[str, str], Calls]) -> None:
        """Add the models that may be asked after one whose reply is not known."""
        turns = self.turns.get(step.id, ())
        for place in range(step.models.index(last.model) + 1, len(step.models)):
            share = turns[place - 1] if place <= len(turns) else 0.5
            asked = last.calls.perhaps(share)
            amounts[step.id, step.models[place]] = replace(asked, cached=Span(0, 0, asked.paid.high))

    def _unread(self, step: StepPlan, way: Way, model: str) -> Calls:
        """Count a step that reads what another puts out, which is not known: its reply may be cached."""
        acts, before = kind(step.kind), self._before(step.options.input)
        tool = acts.tool(step.options, self.plan.tools[way.schema] if way.schema else None)
        target = self.plan.target.model_copy(update={"model": model})
        asked = Calls()
        empty = acts.request("", step.options, tool, target)
        longest = BYTES_OF_A_TOKEN * self._most_tokens(before)
        for body in bodies(empty, step.options, acts.votes(step.options), target.endpoint):
            allowed = Allowed.of(parsed(body), len(body), target.endpoint)
            most = allowed.request_bytes + longest
            sizes = Span(allowed.request_bytes, (allowed.request_bytes + most) / 2, most)
            asked += Calls(exactly(1), Span(), sizes, exactly(allowed.answer_tokens))
        if step.options.long == "parts":
            allowed = Allowed.of(parsed(empty), len(empty), target.endpoint)
            takes = room(acts, step.options, tool, target, step.options.max_input_tokens)
            asked = perhaps_in_parts(asked, longest, takes, allowed)
        return asked.or_cached()

    def _before(self, step_id: str) -> StepPlan:
        return next(step for step in self.plan.steps if step.id == step_id)

    def _most_tokens(self, step: StepPlan) -> int:
        """Say how many tokens a step may put out."""
        acts, names = kind(step.kind), [name for _, name in kind(step.kind).schemas(step.options)]
        tools: list[ToolSchema | None] = [self.plan.tools[name] for name in names]
        target = self.plan.target
        made = [acts.tool(step.options, tool) for tool in tools or [None]]
        bodies = (acts.request("", step.options, tool, target) for tool in made)
        return max(Allowed.of(parsed(body), 0, target.endpoint).answer_tokens for body in bodies)
