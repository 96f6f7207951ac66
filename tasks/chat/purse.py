"""The purse: money is reserved before an attempt is sent, durably, and settled by what it cost.

What waits to be reserved and what is to be settled is written together while the last write goes on.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from docmill.schemas.budget import NANO, Balance, Budget, Settled, Total, nano
from docmill.schemas.errors import (
    ChatError,
    CutShort,
    Deferred,
    InvalidReply,
    MaybeBilled,
    OverBudget,
    Refused,
    StorageError,
)
from docmill.schemas.money import money
from docmill.tasks.chat.waits import Waits

NEARLY = 0.9  # of a budget: then it is told once
LOOK_EVERY_S = 1.0  # whether other runs' attempts have cost less than was reserved for them
OTHERS_AT_MOST_S = 30.0  # nothing of theirs has changed for so long: then they may be dead
BILLED = (MaybeBilled, InvalidReply, CutShort, Refused)  # the answers that may cost; no other ChatError does


# Settles, then reserves as many of the wanted on a day, in their order, as the budget holds: all in one
# transaction, which sees all runs. It blocks, and raises StorageError.
Move = Callable[[date, Sequence[int], Sequence[Settled]], Balance]


@dataclass
class Reservation:
    """What one attempt may cost at most, in nano-dollars; what it is settled by is what it has spent."""

    day: date
    reserved: int
    spent: int | None = None
    sent: bool = False  # an attempt that was not cannot have been billed

    def settle(self, usd: float | None) -> None:
        """Put what it did cost in the place of what it might have; None keeps that: nobody knows."""
        self.spent = self.reserved if usd is None else nano(usd)


@dataclass
class _Wanted:
    nano: int
    granted: "asyncio.Future[Reservation]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Purse:
    """One run's money. `over` is called once, when the next call does not fit, and `nearly` at 90 percent.

    A call that does not fit waits while attempts of this run are under way: they may cost less than was
    reserved for them.
    """

    def __init__(
        self,
        move: Move,
        budget: Budget,
        over: Callable[[OverBudget], None],
        nearly: Callable[[str, float, float], None],
        waits: Waits | None = None,
    ) -> None:
        self._waits = waits or Waits()
        self._move, self._budget, self._over, self._nearly = move, budget, over, nearly
        self._limits = {"run": budget.run_usd, "day": budget.day_usd}
        self._waiting: list[_Wanted] = []
        self._settled: list[Settled] = []
        self._open = 0
        self._ended: Exception | None = None
        self._stands: tuple[tuple[Total, Total], float] | None = None  # what all have taken, since when
        self._told: set[str] = set()
        self._writer: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "purse")

    @asynccontextmanager
    async def reserved(self, usd: float) -> AsyncIterator[Reservation]:
        """Hold so much while an attempt is made; raises Deferred where the budget does not hold it.

        What was not settled in the block is given back, unless the attempt may have been billed: so it may
        where it was sent and no answer is known to be free.
        """
        reservation = await self._reserve(math.ceil(usd * NANO))
        try:
            yield reservation
        except BaseException as error:
            is_free = isinstance(error, ChatError) and not isinstance(error, BILLED)
            if reservation.spent is None and reservation.sent and not is_free:
                reservation.settle(None)
            raise
        finally:
            self._settle(reservation)

    async def look(self) -> None:
        """Tell of what is spent by others alone: a run's calls are its shards'. Raises StorageError."""
        self._tell(await self._moved(()))

    async def close(self) -> None:
        """Write what is left to be written; raises StorageError where that cannot be."""
        while self._writer is not None and not self._writer.done():
            await asyncio.wait({self._writer})
        self._thread.shutdown()
        if isinstance(self._ended, StorageError):
            raise StorageError(str(self._ended))

    def end(self, error: Exception) -> None:
        """Reserve nothing any more: who waits, or comes, gets the error."""
        self._ended = self._ended if isinstance(self._ended, StorageError) else error
        self._waits.mark("budget", on=False)
        for waiting in self._waiting:
            if not waiting.granted.done():
                waiting.granted.set_exception(type(error)(str(error)))
        self._waiting = []

    async def _reserve(self, wanted: int) -> Reservation:
        if self._ended is not None:
            raise type(self._ended)(str(self._ended))
        if wanted > (most := nano(self._budget.least())):
            raise Deferred(
                f"one call of it may cost {_usd(wanted)}, more than the whole budget of {_usd(most)}: "
                "raise the budget, or give the step less to read or to write"
            )
        self._waiting.append(waiting := _Wanted(wanted))
        self._wake()
        try:
            return await waiting.granted
        except asyncio.CancelledError:
            granted = waiting.granted
            if granted.done() and not granted.cancelled() and granted.exception() is None:
                self._settle(granted.result())
            raise

    def _settle(self, reservation: Reservation) -> None:
        self._open -= 1
        self._settled.append(Settled(reservation.day, reservation.reserved, reservation.spent or 0))
        self._wake()

    def _wake(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Write until nothing is to be settled, and nothing more fits that waits."""
        try:
            while await self._write_once():
                pass
        except StorageError as error:
            self.end(error)
        except Exception as error:
            self.end(StorageError(f"the budget cannot be kept: {type(error).__name__}"))
            raise

    async def _write_once(self) -> bool:
        """Write what there is; says whether to go on at once."""
        self._waiting = [each for each in self._waiting if not each.granted.done()]
        if isinstance(self._ended, StorageError) or not (self._waiting or self._settled):
            return False
        wanted = list(self._waiting)
        balance = await self._moved(wanted)
        self._tell(balance)
        self._waits.mark("budget", on=balance.granted < len(wanted))
        if balance.granted:
            self._stands = None
        if balance.granted == len(wanted) or self._settled:
            return True
        if self._open:
            return False  # the next that is settled wakes it
        if self._is_hopeless(wanted[balance.granted].nano, balance):
            self._end_over(wanted[balance.granted].nano, balance)
        else:
            await asyncio.sleep(LOOK_EVERY_S)
        return True

    def _is_hopeless(self, wanted: int, balance: Balance) -> bool:
        """Say whether money that others hold can still come free: their attempts mostly cost less."""
        now, taken = asyncio.get_running_loop().time(), (balance.run, balance.day)
        if self._stands is None or self._stands[0] != taken:
            self._stands = taken, now
        totals = {"run": balance.run, "day": balance.day}
        limits = [(totals[name], usd) for name, usd in self._limits.items() if usd is not None]
        is_spent = any(total.spent + wanted > nano(usd) for total, usd in limits)
        return is_spent or now - self._stands[1] > OTHERS_AT_MOST_S

    async def _moved(self, wanted: Sequence[_Wanted]) -> Balance:
        """Write once, and hand out what was granted."""
        settled, self._settled = self._settled, []
        day, amounts = datetime.now(UTC).date(), [each.nano for each in wanted]
        balance = await asyncio.get_running_loop().run_in_executor(
            self._thread, self._move, day, amounts, settled
        )
        for each in wanted[: balance.granted]:
            self._open += 1
            reservation = Reservation(day, each.nano)
            if each.granted.done():  # cancelled meanwhile
                self._settle(reservation)
            else:
                each.granted.set_result(reservation)
        return balance

    def _tell(self, balance: Balance) -> None:
        for name, usd in self._limits.items():
            if usd is not None and name not in self._told:
                spent: Total = getattr(balance, name)
                if spent.spent >= NEARLY * nano(usd):
                    self._told.add(name)
                    self._nearly(name, spent.spent / NANO, float(usd))

    def _end_over(self, wanted: int, balance: Balance) -> None:
        """End for the first budget that does not hold the next call."""
        for name, usd in self._limits.items():
            total: Total = getattr(balance, name)
            if usd is not None and (missing := total.taken + wanted - nano(usd)) > 0:
                error = OverBudget(
                    f"the budget of the {name}, {_usd(nano(usd))}, does not hold the next call, which may "
                    f"cost {_usd(wanted)}: {_usd(total.taken)} are spent or reserved, "
                    f"{_usd(missing)} are missing"
                )
                self.end(Deferred(f"the run was stopped: {error}"))
                self._over(error)
                return


def _usd(amount: int) -> str:
    return money(amount / NANO, estimated=False)
