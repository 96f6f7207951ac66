"""What a run would do: the source is read as the run reads it, the cache is asked, nothing is sent."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from docmill.flows.pipeline.budget import require_affordable
from docmill.flows.pipeline.plan import Plan
from docmill.flows.plan.amounts import Amounts, Calls, added
from docmill.flows.plan.dividing import UNKNOWN, divided, perhaps
from docmill.flows.plan.document import Forecast
from docmill.flows.plan.estimate import Estimate, Estimator, numbers
from docmill.flows.plan.history import History, history
from docmill.flows.plan.learning import SAMPLED, learn
from docmill.flows.plan.reasons import Standing, reason, standing
from docmill.flows.plan.requests import Known
from docmill.schemas.document import Document
from docmill.schemas.errors import ConfigError, NoResults, StorageError
from docmill.tasks.sinks.database import require_folder
from docmill.tasks.sinks.decisions import ReviewedResults
from docmill.tasks.sinks.looking import states_of, steps_of
from docmill.tasks.sources.batches import batch
from docmill.tasks.sources.divided import Undivided
from docmill.tasks.sources.source import DocumentRef

BATCH = 500  # documents that are looked up together
AT_A_TIME = 16  # that are read and taken through their steps
READERS = 8
COUNTED = ("new", "changed", "not_done", "unchanged", "quarantined", "unreadable")
Row = Mapping[str, Any]
Tell = Callable[[int], None]


@dataclass(frozen=True)
class PlannedRun:
    """What a run would do. `counts` are the documents by how they stand, `why` the reasons to run some.

    There may be `more` documents: what some files hold is not known yet.
    `beyond_budget` are documents of which one call may cost more than the whole budget: a run defers them.
    """

    pipeline: str
    documents: int
    counts: dict[str, int]
    why: dict[str, int]
    estimate: Estimate
    beyond_budget: tuple[str, ...] = ()
    more: int = 0

    def to_run(self) -> int:
        """Count the documents that would be run."""
        return sum(self.counts.get(each, 0) for each in ("new", "changed", "not_done"))

    def written(self) -> dict[str, Any]:
        """Write it for JSON: numbers that are not known are `[low, high]`."""
        return {
            "pipeline": self.pipeline,
            "documents": [self.documents, self.documents + self.more] if self.more else self.documents,
            **self.counts,
            "why": self.why,
            **numbers(self.estimate),
            "minutes": self.estimate.minutes.written(1),
            "likely": self.estimate.likely(),
            "steps": [step.written() for step in self.estimate.steps],
            "assumed": list(self.estimate.assumed),
            "beyond_budget": list(self.beyond_budget),
        }


@dataclass(frozen=True)
class _Found:
    """A document of the source; `why` it is to be run, None where it is not."""

    ref: DocumentRef
    how: Standing
    why: str | None


@dataclass
class _Planning:
    plan: Plan
    results: ReviewedResults | None
    past: History
    tell: Tell
    known: Known
    documents: int = 0
    more: int = 0
    taken: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    why: Counter[str] = field(default_factory=Counter)
    amounts: dict[tuple[str, str], Calls] = field(default_factory=dict)
    stay: list[DocumentRef] = field(default_factory=list)  # some of those that are unchanged

    async def read(self, refs: Iterator[DocumentRef]) -> None:
        """Look at the documents of a source, and ask the cache for those that would be run."""
        room, readers = asyncio.Semaphore(AT_A_TIME), ThreadPoolExecutor(READERS, "readers")
        try:
            async with asyncio.TaskGroup() as group:
                async for found in self._to_run(refs):
                    await room.acquire()
                    task = group.create_task(self._forecast(found, readers))
                    task.add_done_callback(lambda _: room.release())
            await learn(self.known, self.amounts, self.stay, self._asked)
        except* StorageError as lost:
            raise lost.exceptions[0] from None
        finally:
            readers.shutdown(wait=False, cancel_futures=True)

    async def _to_run(self, refs: Iterator[DocumentRef]) -> AsyncIterator[_Found]:
        """Give the documents that would be run, as far as the limit; counts all."""
        while some := await asyncio.to_thread(self._batch, refs):
            for found in some:
                self.documents += 1
                self.counts[found.how] += 1
                if found.why is None:
                    self._stays(found)
                    continue
                self.taken += 1
                yield found
                if self.taken == self.plan.limit:
                    return
            self.tell(self.documents)

    def _stays(self, found: _Found) -> None:
        if found.how == "unchanged" and len(self.stay) < SAMPLED and not isinstance(found.ref, Undivided):
            self.stay.append(found.ref)

    def _batch(self, refs: Iterator[DocumentRef]) -> list[_Found]:
        listed = batch(refs, BATCH)
        ids = [ref.document_id for ref in listed]
        rows = states_of(self.results, ids) if self.results and ids else {}
        hashes = {ref.document_id: ref.sha256() for ref in listed}
        held = self._quarantined(hashes)
        how = {id_: standing(self.plan, rows.get(id_), hashes[id_], held=id_ in held) for id_ in ids}
        other = [id_ for id_ in ids if how[id_] == "changed"]
        steps = steps_of(self.results, other) if self.results and other else {}
        return [
            _Found(ref, how[id_], self._why(how[id_], rows.get(id_), hashes[id_], steps.get(id_, {})))
            for ref, id_ in zip(listed, ids, strict=True)
        ]

    def _quarantined(self, hashes: Mapping[str, str | None]) -> set[str]:
        if self.plan.released or self.results is None or not self.results.has_quarantined():
            return set()
        return self.results.quarantined(hashes, self.plan.sha256)

    def _why(self, how: Standing, row: Row | None, content_sha256: str | None, steps: Row) -> str | None:
        if how in ("unchanged", "quarantined"):
            return None
        return "new" if row is None else reason(self.plan, row, content_sha256, steps)

    async def _forecast(self, found: _Found, readers: ThreadPoolExecutor) -> None:
        if isinstance(found.ref, Undivided):
            await self._divide(found, found.ref, readers)
            return
        try:
            document = await asyncio.get_running_loop().run_in_executor(readers, found.ref.read)
        except StorageError:
            raise
        except Exception:  # noqa: BLE001  whatever it is, a run makes it a failed document
            self._unreadable(found)
            return
        self.why[found.why or ""] += 1
        self.amounts = added([self.amounts, await self._asked(document)])

    async def _divide(self, found: _Found, ref: Undivided, readers: ThreadPoolExecutor) -> None:
        """Look at the documents that a file holds, as far as that is known, in the file's place."""
        try:
            held = await divided(self.plan, self.known, ref, readers)
        except StorageError:
            raise
        except Exception:  # noqa: BLE001  as of a document that cannot be read
            self._unreadable(found)
            return
        self.documents, self.more = self.documents + held.documents() - 1, self.more + held.more()
        self.counts[found.how] += len(held.open) - 1
        self.counts["unreadable"] += held.unreadable
        self.why[found.why or ""] += len(held.open)
        self.amounts = added([self.amounts, held.asked])
        for document in held.open:
            self.amounts = added([self.amounts, await perhaps(document, partial(self._asked, sure=False))])
        texts = {ref.document_id: document for ref, document in held.parts}
        refs = (ref for ref, _ in held.parts)
        while some := await asyncio.to_thread(self._batch, refs):
            for each in some:
                self.counts[each.how] += 1
                if each.why is not None:
                    self.why[each.why] += 1
                    self.amounts = added([self.amounts, await self._asked(texts[each.ref.document_id])])

    async def _asked(self, document: Document, known: Known | None = None, *, sure: bool = True) -> Amounts:
        past, known = self.past, known or self.known
        decided = past.labels.get((document.document_id, document.content_sha256), ())
        of = Forecast(self.plan, known, past.shares, past.turns, decisions=decided, sure=sure)
        return await of.of(document)

    def _unreadable(self, found: _Found) -> None:
        self.counts[found.how] -= 1
        self.counts["unreadable"] += 1


async def forecast(plan: Plan, tell: Tell = lambda _: None) -> PlannedRun:
    """Say what a run of the plan would do; `tell` takes how many documents were looked at.

    Raises ConfigError where there is no such source, or a budget that holds no call of it, and StorageError
    where it or the results are lost.
    """
    require_affordable(plan)
    with ExitStack() as stack:
        refs = await asyncio.to_thread(stack.enter_context, plan.source.opened())
        results = await asyncio.to_thread(_results, plan)
        if results is not None:
            stack.callback(results.close)
        past = await asyncio.to_thread(history, plan, results)
        planning = _Planning(plan, results, past, tell, Known(plan.refresh))
        await planning.read(refs)
    if not planning.documents:
        raise ConfigError(plan.source.nothing())
    counts = {name: planning.counts.get(name, 0) for name in COUNTED}
    estimator = Estimator(plan, past, planning.known.read, {UNKNOWN: None} if planning.more else {})
    estimate = estimator.estimate(planning.amounts)
    why, beyond = dict(planning.why.most_common()), tuple(planning.known.beyond)
    return PlannedRun(plan.name, planning.documents, counts, why, estimate, beyond, planning.more)


def _results(plan: Plan) -> ReviewedResults | None:
    require_folder(plan.into.url)
    try:
        return ReviewedResults.read(plan.into, plan.name)
    except NoResults:  # a run makes them
        return None
