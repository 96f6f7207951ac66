"""What runs spend against a budget: a row a run and day, changed in transactions that see all runs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import accumulate, takewhile
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, exists, func, or_, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from docmill.schemas.budget import Balance, Budget, Settled, Total, nano
from docmill.schemas.errors import StorageError
from docmill.tasks.sinks.database import reason
from docmill.tasks.sinks.duckdb_dialect import alone
from docmill.tasks.sinks.rows import inserting
from docmill.tasks.sinks.tables import RUNS, SPENDING
from docmill.tasks.sinks.timelines import spent_since

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(:pipeline, 0))"


class Spending:
    """What one pipeline's runs spend; it blocks."""

    def __init__(self, engine: Engine, pipeline: str, url: str) -> None:
        self._engine = engine
        self._pipeline = pipeline
        self._url = url

    def move(
        self, run_id: str, budget: Budget, day: date, wanted: Sequence[int], settled: Sequence[Settled]
    ) -> Balance:
        """Settle, then reserve on that day as many of the wanted, in their order, as the budget holds.

        Raises StorageError.
        """
        own = SPENDING.c.run_id == run_id
        with self._writing() as connection:
            for each in settled:
                _settle(connection, each, own)
            run = _total(connection, own)
            of_day = Total() if budget.day_usd is None else self._of_day(connection, day)
            room = min(_room(budget.run_usd, run), _room(budget.day_usd, of_day))
            sums = list(accumulate(wanted))
            granted = sum(1 for each in takewhile(lambda each: each <= max(room, 0), sums))
            added = Total(reserved=sums[granted - 1] if granted else 0)
            if granted:
                row = {"run_id": run_id, "day": day, "pipeline": self._pipeline, "spent": 0}
                _reserve(connection, {**row, "reserved": added.reserved})
        return Balance(granted, run + added, of_day + added)

    def _of_day(self, connection: Connection, day: date) -> Total:
        """Add up the pipeline's day: of runs without a budget, too, as far as is written of them."""
        begun = datetime.combine(day, time(), UTC)
        without = RUNS.c.pipeline == self._pipeline, ~exists().where(SPENDING.c.run_id == RUNS.c.run_id)
        of_day = select(func.sum(RUNS.c.cost_usd)).where(*without, RUNS.c.started_at >= begun)
        went_on = or_(RUNS.c.ended_at.is_(None), RUNS.c.ended_at >= begun)
        over_midnight = select(RUNS.c.run_id).where(*without, RUNS.c.started_at < begun, went_on)
        ids = connection.execute(over_midnight).scalars().all()
        usd = connection.execute(of_day).scalar() or 0
        others = usd + sum(spent_since(connection, run_id, begun) for run_id in ids)
        own = _total(connection, SPENDING.c.pipeline == self._pipeline, SPENDING.c.day == day)
        return Total(spent=nano(others)) + own

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with alone(self._engine), self._engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text(LOCK), {"pipeline": f"docmill {self._pipeline}"})
                yield connection
        except SQLAlchemyError as error:
            raise StorageError(
                f"the results database {self._url} takes no reservation: {reason(error)}. Put that right, "
                "then run again: nothing was sent that is not accounted for"
            ) from None


def _settle(connection: Connection, settled: Settled, own: ColumnElement[bool]) -> None:
    changed = {
        "spent": SPENDING.c.spent + settled.spent,
        "reserved": SPENDING.c.reserved - settled.reserved,
    }
    connection.execute(update(SPENDING).where(own, SPENDING.c.day == settled.day).values(changed))


def _reserve(connection: Connection, row: Mapping[str, Any]) -> None:
    statement = inserting(connection, SPENDING).values(dict(row))
    more = {"reserved": SPENDING.c.reserved + row["reserved"]}
    connection.execute(statement.on_conflict_do_update(index_elements=["run_id", "day"], set_=more))


def _total(connection: Connection, *conditions: ColumnElement[bool]) -> Total:
    row = connection.execute(
        select(func.sum(SPENDING.c.spent), func.sum(SPENDING.c.reserved)).where(*conditions)
    ).one()
    return Total(int(row[0] or 0), int(row[1] or 0))


def _room(usd: Decimal | None, total: Total) -> float:
    return math.inf if usd is None else nano(usd) - total.taken
