"""A query's columns by their names."""

from collections.abc import Sequence

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.spelling import meant


def require(columns: Sequence[str], name: str, place: str) -> None:
    """Raise ConfigError where a query has no column of this name, or more than one."""
    count = columns.count(name)
    if count == 0:
        raise ConfigError(f"{place}: the query has no column {name!r}{meant(name, columns)}")
    if count > 1:
        raise ConfigError(f"{place}: the query has {count} columns {name!r}: name each differently with AS")
