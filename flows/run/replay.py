"""What the steps of a document ask, and what the cache holds of it: a run's own way, with nothing sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from prefect.client.schemas.objects import State

from docmill.flows.pipeline.plan import Plan, StepPlan
from docmill.flows.run.answer import Requests
from docmill.flows.run.basis import Basis
from docmill.flows.run.held import Held
from docmill.flows.run.inputs import Before, input_of, is_wanted, schema_of, with_others_examples
from docmill.flows.run.labels import as_decided
from docmill.flows.run.models import Answer, in_turn
from docmill.flows.run.step import answered
from docmill.schemas.chat import Completion
from docmill.schemas.decision import Decision
from docmill.schemas.document import Document
from docmill.schemas.errors import Deferred
from docmill.schemas.outcome import StepOutcome
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.request_state import REPAIRS


@dataclass(frozen=True)
class Asked:
    """One request: its body as it is sent, the key of its record, and the completion that is in the cache."""

    body: bytes
    key: str
    completion: Completion | None


@dataclass(frozen=True)
class Shown:
    """The requests of a step in their order; `why` says what is not known of them, or why there are none."""

    step: StepPlan
    asked: tuple[Asked, ...] = ()
    why: str | None = None


@dataclass(kw_only=True)
class Replay(Requests):
    """The requests of a step, answered from the cache alone."""

    sends = False
    asked: list[Asked] = field(default_factory=list)

    async def completion(
        self,
        body: bytes,
        tool: ToolSchema | None,
        after: Sequence[State[Any]],  # noqa: ARG002
        *,
        repairs: int = REPAIRS,  # noqa: ARG002
    ) -> Completion:
        """Give what the cache holds; raises Deferred where that is nothing."""
        key, completion = await self.in_cache(body, tool)
        self.asked.append(Asked(body, key, completion))
        if completion is None:
            raise Deferred("its reply is not in the cache")
        return completion


async def replayed(plan: Plan, document: Document, decisions: Sequence[Decision] = ()) -> list[Shown]:
    """Take a document through the steps as far as the cache has their replies.

    `decisions` are those on this content of it: steps go by the labels that people decided.
    """
    basis, outcomes, shown = Basis(document), dict[str, StepOutcome](), []
    for step in plan.steps:
        unknown = [need for need in step.needs if need not in outcomes]
        if unknown:
            shown.append(Shown(step, why=f"waits for {', '.join(unknown)}, whose reply is not in the cache"))
            continue
        schema = schema_of(step, outcomes)
        if not is_wanted(step, schema, outcomes):
            outcomes[step.id] = StepOutcome(status="skipped", sha256=step.sha256)
            shown.append(Shown(step, why="is skipped for this document"))
            continue
        asked, answer = await _asked(plan, basis, step, outcomes, schema)
        if answer.failure is None:
            outcome = StepOutcome(status="done", sha256=step.sha256, output=answer.held.record)
            outcomes[step.id] = as_decided(step, outcome, decisions)
            basis.outputs[step.id] = outcomes[step.id].output
        shown.append(Shown(step, tuple(asked), str(answer.failure) if answer.failure else None))
    return shown


async def _asked(
    plan: Plan, basis: Basis, step: StepPlan, before: Before, schema: str | None
) -> tuple[list[Asked], Answer]:
    """Ask the cache for the completions of a step."""
    asked: list[Asked] = []
    text, tool = input_of(step, before, basis.document), plan.tools[schema] if schema else None

    async def reply_of(model: str) -> Held:
        others = with_others_examples(step, text)
        return await answered(Replay(plan, basis, others, model, asked=asked), text, tool)

    return asked, await in_turn(step, reply_of, lambda _: True)
