"""PostgreSQL's values as psycopg gives them to docmill: whatever they are, none ends the reading."""

import json
from typing import Any

from psycopg import Connection, DataError
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.types.datetime import (
    DateLoader,
    TimeLoader,
    TimestampLoader,
    TimestamptzLoader,
    TimetzLoader,
)
from psycopg.types.string import TextLoader

from docmill.tasks.sources.values import Beyond, exact

# One text for one value, whoever asks and whatever the role, the database and PGTZ are set to.
SETTINGS = {"TimeZone": "UTC", "DateStyle": "ISO", "IntervalStyle": "postgres"}
RANGES = ("int4", "int8", "num", "ts", "tstz", "date")


class OrText(Loader):
    """Gives what Python's type does not hold as the text that PostgreSQL writes."""

    inner: type[Loader]

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._inner = self.inner(oid, context)

    def load(self, data: Buffer) -> Any:
        """Read a value: infinity, years before 1 and beyond 9999, and 24:00 are texts."""
        try:
            return self._inner.load(data)
        except (ArithmeticError, DataError, NotImplementedError, RecursionError, ValueError):
            return Beyond(bytes(data).decode(errors="surrogateescape"))


class JsonLoader(Loader):
    """Reads JSON without rounding its numbers."""

    def load(self, data: Buffer) -> Any:
        """Read a value; raises ValueError and RecursionError."""
        return json.loads(bytes(data), parse_float=exact)


class PaddedLoader(TextLoader):
    """Reads char(n) without the blanks that fill it up: to PostgreSQL they mean nothing."""

    def load(self, data: Buffer) -> bytes | str:
        """Read a value."""
        read = super().load(data)
        return read.rstrip(" ") if isinstance(read, str) else read


def adapt(connection: Connection[Any]) -> None:
    """Read the values of a connection so."""
    loaders: dict[str, type[Loader]] = {
        "date": DateLoader,
        "time": TimeLoader,
        "timetz": TimetzLoader,
        "timestamp": TimestampLoader,
        "timestamptz": TimestamptzLoader,
        "json": JsonLoader,
        "jsonb": JsonLoader,
    }
    for name, loader in loaders.items():
        connection.adapters.register_loader(name, type(name, (OrText,), {"inner": loader}))
    # Python folds an interval's months into days; and has no words for a range's ends, or for a record.
    ranges = (f"{name}{kind}" for name in RANGES for kind in ("range", "multirange"))
    for name in ("interval", "record", *ranges):
        connection.adapters.register_loader(name, TextLoader)
    connection.adapters.register_loader("bpchar", PaddedLoader)
