"""The models of a step, asked in turn until an answer leaves no doubt."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.run.failures import doubted
from docmill.flows.run.held import Held
from docmill.schemas.errors import CutShort, Deferred, InvalidReply, Refused, StorageError
from docmill.tasks.chat.session import Session

WILL_NOT_DO = (InvalidReply, CutShort, Refused)  # what another model may do better


@dataclass(frozen=True)
class Answer:
    """What was read of a model's replies, or what failed."""

    model: str
    held: Held = field(default_factory=lambda: Held(None))
    failure: Exception | None = None


def has_closed(session: Session, model: str) -> bool:
    """Say whether the lane of a model has closed, and the run goes on."""
    return session.closed is None and session.lane(model).closed is not None


async def in_turn(
    step: StepPlan, reply_of: Callable[[str], Awaitable[Held]], is_closed: Callable[[str], bool]
) -> Answer:
    """Ask the models of a step, the next where an answer will not do; gives the best of their answers.

    That is where one is invalid, refused or doubtful, or where the model's lane `is_closed`. Raises
    StorageError alone.
    """
    answers = []
    for model in step.models:
        answer = await _answer(model, reply_of)
        answers.append(answer)
        if not _will_not_do(step, answer) and not (isinstance(answer.failure, Deferred) and is_closed(model)):
            break
    return _best(answers)


async def _answer(model: str, reply_of: Callable[[str], Awaitable[Held]]) -> Answer:
    try:
        return Answer(model, await reply_of(model))
    except StorageError:
        raise
    except Exception as failure:  # noqa: BLE001  whatever it is, the document has an outcome
        return Answer(model, failure=failure)


def _will_not_do(step: StepPlan, answer: Answer) -> bool:
    if answer.failure is not None:
        return isinstance(answer.failure, WILL_NOT_DO)
    return doubted(step, answer.held) is not None


def _best(answers: Sequence[Answer]) -> Answer:
    """Choose a record before a failure, and of two the later one where the first is not better.

    What is deferred stays so: a later run asks that model, too.
    """
    best = answers[0]
    for answer in answers[1:]:
        if isinstance(answer.failure, Deferred):
            return answer
        worse = answer.failure is not None and best.failure is None
        if not worse and not (best.failure is None and best.held.is_better(answer.held)):
            best = answer
    return best
