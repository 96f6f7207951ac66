"""A run that pauses for what it has brought into review: a form in Prefect's UI, whose answers decide it."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from prefect.input import RunInput
from pydantic import Field, create_model

from docmill.flows.observe.artifact import escaped
from docmill.flows.pipeline.plan import Plan
from docmill.flows.review.case import Case
from docmill.flows.review.deciding import Person, Said, seen, written
from docmill.flows.review.review import opened
from docmill.flows.run.active import ActiveRun
from docmill.flows.run.asking import Unanswered, asked
from docmill.flows.run.stop import Stop
from docmill.schemas.decision import OF_VALUES, OpenPoint, Waiting
from docmill.schemas.errors import ConfigError, StorageError

WAIT_S = 24 * 60 * 60
LOOK_EVERY_S = 3
MOST_DOCUMENTS, MOST_POINTS = 10, 40  # that a form has room for
TRIES = 3  # at a form whose answers cannot be carried out
NOBODY = "Prefect"  # decides where the form names nobody
Decided = Literal["later", "accept", "correct", "reject"]
HEAD = "What waits in review of this run. A document is done once nothing of it is open."


class Decisions(RunInput):
    """The form's fields that are always there; each point has a decision and a corrected value."""

    by: str = Field(default="", title="Your name")


@dataclass(frozen=True)
class _Form:
    """The open points of some documents, each under a number from 1."""

    cases: Sequence[Case]

    @property
    def points(self) -> list[tuple[Case, OpenPoint]]:
        """The points in their order."""
        return [(case, point) for case in self.cases for point in case.points]

    def model(self, why: str) -> type[RunInput]:
        """Make the form; `why` says what was wrong with the answers before."""
        fields: dict[str, Any] = {}
        for number, (case, point) in enumerate(self.points, 1):
            title = f"{number}. {case.document_id}: {point.name}"
            fields[f"decision_{number}"] = (Decided, Field(default="later", title=title))
            if point.about in OF_VALUES:
                corrected = Field(default="", title=f"{number}. the right value, to correct it")
                fields[f"corrected_{number}"] = (str, corrected)
        made: type[RunInput] = create_model("Decisions", __base__=Decisions, **fields)
        refused = why and f"**{escaped(why)}**"
        made._description = "\n\n".join(filter(None, (refused, HEAD, *self._told())))
        return made

    def _told(self) -> list[str]:
        return [
            f"**{number}. {escaped(case.document_id)}**, {escaped(point.name)}: {escaped(point.wrong)}"
            f"{_shown(point)}"
            for number, (case, point) in enumerate(self.points, 1)
        ]

    def said(self, answer: Any) -> Mapping[str, list[Said]]:
        """Read what a person has answered, by document; raises ConfigError where a corrected value lacks."""
        told: defaultdict[str, list[Said]] = defaultdict(list)
        for number, (case, point) in enumerate(self.points, 1):
            verdict: Decided = getattr(answer, f"decision_{number}")
            text = getattr(answer, f"corrected_{number}", "")
            if verdict == "correct" and not text:
                raise ConfigError(f"{number}. {point.name}: there is no corrected value")
            if verdict != "later":
                told[case.document_id].append(Said(verdict, point.name, text, seen=seen(point.value)))
        return {document: _one(of) for document, of in told.items()}


def _one(said: list[Said]) -> list[Said]:
    """Let a rejection stand for all that is said of a document."""
    return [Said("reject")] if any(each.verdict == "reject" for each in said) else said


def _shown(point: OpenPoint) -> str:
    """Write a point's value, and what the document says of it, as Markdown shows them unread."""
    lines = [*written(point.value).splitlines(), *(point.quote or "").splitlines()]
    return "".join(["\n", *(f"\n    {line}" for line in lines)]) if lines else ""


async def review_paused(run: ActiveRun, stop: Stop) -> None:
    """Pause for a person's decisions on what the run has brought into review, where its pipeline says so.

    Without an answer all waits as it would without the pause.
    """
    if not run.plan.pauses or run.row.state not in ("complete", "incomplete") or not run.waiting.of_run:
        return
    if told := _too_many(run.waiting.of_run):
        stop.warn(told)
        return
    why = ""
    for _ in range(TRIES):
        try:
            await _asked(run, stop, why)
            return
        except ConfigError as error:
            why = str(error)
        except (Unanswered, StorageError) as error:
            stop.warn(f"review: {error}: nothing was decided")
            return
    stop.warn(f"review: {why}: nothing was decided")


async def _asked(run: ActiveRun, stop: Stop, why: str) -> None:
    """Ask with a form, and carry out what it says; raises ConfigError where that cannot be."""
    form = _Form(await asyncio.to_thread(_cases, run.plan, run.row.run_id))
    if not form.points:  # somebody has decided it meanwhile
        return
    if told := _too_many(len(form.cases), len(form.points)):
        stop.warn(told)
        return
    answer = await asked(form.model(why), stop, WAIT_S, LOOK_EVERY_S)
    person = Person(answer.by.strip() or NOBODY, datetime.now(UTC))
    run.waiting = await asyncio.to_thread(_decide, run, form.said(answer), person)


def _too_many(documents: int, points: int = 0) -> str | None:
    if documents <= MOST_DOCUMENTS and points <= MOST_POINTS:
        return None
    found = f"{documents:,} documents" + (f" with {points:,} open points" if points else "")
    most = f"{MOST_DOCUMENTS} documents and {MOST_POINTS} points"
    return f"review: {found} are more than a form holds ({most}): the run does not pause for them"


def _cases(plan: Plan, run_id: str) -> list[Case]:
    with opened(plan.declared, plan.into.url) as review:
        return review.waiting(run_id)


def _decide(run: ActiveRun, said: Mapping[str, list[Said]], person: Person) -> Waiting:
    with opened(run.plan.declared, run.plan.into.url) as review:
        if said:
            review.decide(said, person)
        return review.count(run.row.run_id)
