"""What is asked of the cache's database, and how who asked is told that it failed."""

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from docmill.tasks.chat import database_sql as sql

Row = tuple[bytes, float]  # a record, and when it was written by this machine's clock


@dataclass(eq=False)
class Ask:
    """One thing to do; `done` gives what came of it: a lock's (whether, record), a read's record."""

    verb: Literal["lock", "unlock", "read", "store", "use"]
    key: str
    content: str = ""
    done: "Future[Any]" = field(default_factory=Future)


def tell(asks: Iterable[Ask], error: Exception) -> None:
    """Tell of an error who is not answered yet."""
    for ask in asks:
        if not ask.done.done():
            ask.done.set_exception(OSError(sql.said(error)))
