"""Follows the shards of a run: starts them, and again those whose worker died, until all are through."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from httpx import HTTPError
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectException

from docmill.flows.observe.observer import GRACE_S
from docmill.flows.run.active import ActiveRun
from docmill.flows.shards import deployment
from docmill.flows.shards.attempts import MOST_FRUITLESS, Attempts
from docmill.flows.shards.ended import fatal, is_interrupted, why_ended
from docmill.schemas.errors import OverBudget, StorageError
from docmill.schemas.outcome import Status, Tally
from docmill.schemas.shard import Shard
from docmill.tasks.sinks.work import ShardedResults

LOOK_EVERY_S = 1.0
SILENT_AT_MOST_S = 30.0  # a shard that lives beats every few seconds
UNCLAIMED_AT_MOST_S = 900.0  # from a worker's first word to the flow's: an image may be pulled
END_WITHIN_S = GRACE_S + 10.0
UNREACHED_AT_MOST_S = 300.0  # the server takes no start for so long: then the run fails
ASK_AFTER_S = 15.0  # nobody has taken a shard up for so long: then it is asked why
Parameters = Callable[[Shard], dict[str, Any]]


class Following:
    """Brings a run's shards to their ends; `parameters` are those of a shard's flow run."""

    def __init__(self, run: ActiveRun, results: ShardedResults, shards: Sequence[Shard]) -> None:
        self._run = run
        self._results = results
        self._shards = {each.shard: each for each in shards}
        self._open = {each.shard for each in shards if each.documents and not each.finished()}
        self._states: deployment.States = {}
        self._read: set[str] = set()  # of which flow runs the server told last, or told that there are none
        self._refused_at: float | None = None  # since when the server takes no start
        self._signs: dict[int, tuple[object, float]] = {}  # the last sign of life, and when it came
        self._attempts = Attempts()
        self._begun = time.monotonic()
        self._asked = False

    async def until_through(self, client: PrefectClient, parameters: Parameters) -> None:
        """Follow until every shard is through, or the run is to end: then they are cancelled."""
        ending = self._run.session.ending
        if any(each.attempt for each in self._shards.values()):
            await self._look(client)  # an earlier process of this run has started them
        for number in sorted(self._open):
            if not ending.is_set():
                # What was cancelled as that process died is no cancel of this one.
                again = self._is_over(number) or self._is_cancelling(number)
                await self._start(client, parameters, self._shards[number], again=again)
        while self._open and not ending.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), LOOK_EVERY_S)
            await self._look(client)
            for number in sorted(self._open) if not ending.is_set() else ():
                await self._judge(client, parameters, self._shards[number])
        if self._open:
            await self._end(client)

    def come_to(self) -> tuple[dict[Status, int], Tally]:
        """Add up what the shards have come to."""
        counts: Counter[Status] = Counter()
        for each in self._shards.values():
            counts.update(each.counts)
        return dict(counts), sum((each.tally() for each in self._shards.values()), Tally())

    def is_booked(self) -> bool | None:
        """Say whether the server booked all that the shards have paid; None where they have paid nothing."""
        paid = [bool(each.cost_booked) for each in self._shards.values() if each.calls]
        return all(paid) if paid else None

    async def _look(self, client: PrefectClient) -> None:
        """Take in the states first: what a shard has written is at least as new."""
        ids = [each.flow_run_id for each in self._shards.values() if each.flow_run_id]
        with suppress(HTTPError, PrefectException):
            self._states = await deployment.states(client, ids)
            self._read = set(ids)
            await self._ask(client)
        rows = await asyncio.to_thread(self._results.shards, self._run.row.run_id)
        self._shards = {each.shard: each for each in rows}
        counts, total = self.come_to()
        self._run.progress.now(counts, total)
        self._run.ledger.observer.sharded(rows)
        if purse := self._run.session.purse:
            await purse.look()

    async def _ask(self, client: PrefectClient) -> None:
        """Say, once, why no shard was taken up yet."""
        waits = all(each.state == "waiting" for each in self._shards.values() if each.documents)
        if waits and not self._asked and time.monotonic() - self._begun > ASK_AFTER_S:
            self._asked = True
            if why := await deployment.why_nobody(client):
                self._run.session.tell(f"no shard is taken up: {why}")

    async def _judge(self, client: PrefectClient, parameters: Parameters, shard: Shard) -> None:
        """Decide what follows from how a shard stands."""
        if shard.finished():
            self._open.discard(shard.shard)
            return
        if (error := fatal(shard)) is not None:
            session = self._run.session
            session.over_budget(error) if isinstance(error, OverBudget) else session.halt(error)
            return
        if (flow_run_id := shard.flow_run_id) is None:  # the server did not take its start
            await self._start(client, parameters, shard, again=False)
        elif flow_run_id in self._states:
            if why := await self._ended(client, shard, self._states[flow_run_id]):
                await self._again(client, parameters, shard, why)
        elif flow_run_id in self._read:
            await self._again(client, parameters, shard, "its flow run is no longer on the server")

    async def _ended(self, client: PrefectClient, shard: Shard, state: State[Any] | None) -> str:
        """Say why a shard that is not through will not go on; nothing where it does."""
        if state is None:
            return ""
        if state.is_cancelled() and not is_interrupted(state):
            self._run.session.stop(f"the run was stopped: shard {shard.shard} was cancelled")
            return ""
        if state.is_final():
            return why_ended(state)
        if self._is_silent(shard, state):
            why = "nothing was heard of it any more"
            await deployment.crash(client, str(shard.flow_run_id), why)
            return why
        return ""

    def _is_silent(self, shard: Shard, state: State[Any]) -> bool:
        """Say whether a shard's process must be gone, as it shows no sign of life."""
        sign, now = (shard.attempt, shard.beats, state.type), time.monotonic()
        before, since = self._signs.get(shard.shard, (None, now))
        if sign != before:
            self._signs[shard.shard] = sign, now
            return False
        if shard.state == "running":
            return now - since > SILENT_AT_MOST_S
        return not state.is_scheduled() and now - since > UNCLAIMED_AT_MOST_S

    async def _again(self, client: PrefectClient, parameters: Parameters, shard: Shard, why: str) -> None:
        """Start another attempt once it is due, unless several in a row came to nothing."""
        is_news = self._attempts.is_news(shard)
        told = f"shard {shard.shard} of {len(self._shards)} did not come through: {why}"
        if self._attempts.is_over(shard):
            self._run.fail(StorageError(f"{told} ({MOST_FRUITLESS} attempts came to nothing)"))
            return
        if is_news:
            self._run.session.tell(f"{told}. It is started again")
        if self._attempts.is_due(shard):
            await self._start(client, parameters, shard, again=True)

    async def _start(
        self, client: PrefectClient, parameters: Parameters, shard: Shard, *, again: bool
    ) -> None:
        """Start a shard's flow run; one that an earlier process of this run has started goes on."""
        run_id = self._run.row.run_id
        if again or not shard.attempt:
            shard = await asyncio.to_thread(self._results.attempted, run_id, shard)
        elif shard.flow_run_id and shard.state in ("waiting", "running"):
            return
        name = f"{self._run.plan.name} {shard.shard} of {len(self._shards)}"
        name += f", attempt {shard.attempt}" if shard.attempt > 1 else ""
        key = f"docmill-{run_id}-{shard.shard}-{shard.attempt}"
        try:
            flow_run_id = await deployment.start(client, name, key, parameters(shard))
        except (HTTPError, PrefectException):
            now = time.monotonic()
            self._refused_at = now if self._refused_at is None else self._refused_at
            if now - self._refused_at > UNREACHED_AT_MOST_S:
                raise
            return  # it is tried again after the next look, under the same key
        self._refused_at = None
        await asyncio.to_thread(self._results.started, run_id, shard.shard, flow_run_id)
        self._shards[shard.shard] = shard.model_copy(update={"flow_run_id": flow_run_id})

    async def _end(self, client: PrefectClient) -> None:
        """Cancel what is under way, and wait until it has come to its end."""
        await self._look(client)
        await self._give_up([each for each in self._open if not self._shards[each].flow_run_id])
        if not self._run.session.stopped.is_set():
            await self._let_end(client)
        give_up = time.monotonic() + END_WITHIN_S
        await self._cancel(client, self._open)
        while time.monotonic() < give_up and not all(map(self._is_over, self._open)):
            await asyncio.sleep(LOOK_EVERY_S)
            await self._look(client)
        # One whose flow run was only said to have crashed may write until it is given up.
        if unended := [each for each in self._open if not self._is_over(each) or self._is_begun(each)]:
            await self._give_up(unended)
            await self._look(client)

    async def _give_up(self, numbers: Iterable[int]) -> None:
        """Let shards write nothing any more that were not started, or do not end."""
        run_id = self._run.row.run_id
        for number in numbers:
            shard = self._shards[number]
            self._shards[number] = await asyncio.to_thread(self._results.given_up, run_id, shard)

    async def _let_end(self, client: PrefectClient) -> None:
        """Wait for what shards have in flight, as where the budget is spent; a stop ends that."""
        stopped = self._run.session.stopped
        await self._cancel(client, [each for each in self._open if not self._is_running(each)])
        while not stopped.is_set() and any(map(self._is_running, self._open)):
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), LOOK_EVERY_S)
            await self._look(client)

    async def _cancel(self, client: PrefectClient, numbers: Iterable[int]) -> None:
        for number in numbers:
            flow_run_id = self._shards[number].flow_run_id
            if flow_run_id and not self._is_over(number):
                await deployment.cancel(client, flow_run_id, self._states.get(flow_run_id))

    def _is_running(self, number: int) -> bool:
        """Say whether a shard is at work, as far as it shows."""
        shard, state = self._shards[number], self._state(number)
        if self._is_over(number) or shard.state != "running" or state is None:
            return False
        return not self._is_silent(shard, state)

    def _is_begun(self, number: int) -> bool:
        """Say whether a shard has begun, and has not said itself that it came to its end."""
        return self._shards[number].state == "running"

    def _state(self, number: int) -> State[Any] | None:
        return self._states.get(self._shards[number].flow_run_id or "")

    def _is_cancelling(self, number: int) -> bool:
        state = self._state(number)
        return state is not None and state.is_cancelling()

    def _is_over(self, number: int) -> bool:
        shard, state = self._shards[number], self._state(number)
        return (state is not None and state.is_final()) or shard.state not in ("waiting", "running")
