"""A table of tickets in a database of a test's own, and the pipelines over it."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text

from docmill.schemas.errors import ConfigError, Unreadable
from docmill.schemas.pipeline import Rows as Declared
from docmill.tasks.sources.reading import RowRef
from docmill.tasks.sources.rows import Rows
from tests.support.processes import eventually

POSTGRES = pytest.mark.parametrize("database", ["postgresql"], indirect=True)
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
CREATE = "create table tickets (id {key} {constraint}, subject text, body text)"


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Open a transaction in the database."""
    engine = create_engine(url, execution_options={"no_parameters": True})  # % as it is
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def tell(url: str, *statements: str) -> None:
    """Execute statements."""
    with connected(url) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def asked(url: str, query: str) -> list[tuple[Any, ...]]:
    """Give what a query finds."""
    with connected(url) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def terminate(url: str, query: str) -> None:
    """End docmill's connections to PostgreSQL whose last query is like this, as soon as there is one."""
    found = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'docmill'"
    assert eventually(lambda: asked(url, f"{found} and query like '{query}'"))


def table(url: str, rows: Iterable[tuple[Any, Any, Any]], key: str = "bigint", constraint: str = "") -> None:
    """Make the table `tickets` with rows of id, subject and body."""
    tell(url, CREATE.format(key=key, constraint=constraint))
    values: list[Mapping[str, Any]] = [dict(zip("isb", row, strict=True)) for row in rows]
    if values:
        with connected(url) as connection:
            connection.execute(text("insert into tickets values (:i, :s, :b)"), values)


def numbered(count: int) -> list[tuple[int, str, str]]:
    """Make rows whose texts differ."""
    return [(number, f"subject {number}", f"body {number}") for number in range(1, count + 1)]


def rows_of(url: str, query: str = "select * from tickets", **keys: str) -> Rows:
    """Make the source of a query, by default over the whole table."""
    whole = {"key": "id", "text": "{{ subject }}\n\n{{ body }}", **keys}
    return Rows(Declared.model_construct(None, url=url, query=query, **whole))


def ids(source: Rows) -> list[str]:
    """Read a source to its end; gives the ids."""
    with source.opened() as refs:
        return [ref.document_id for ref in refs]


def spec(url: str, query: str = "select * from tickets", template: str = "{{ subject }}: {{ body }}") -> str:
    """Write the value of `rows:` in a pipeline."""
    return f'\n  url: "{url}"\n  query: "{query}"\n  key: id\n  text: "{template}"'


def read(source: Rows) -> list[RowRef]:
    """Read a source to its end."""
    with source.opened() as refs:
        return list(refs)


def fault(ref: RowRef) -> str:
    """Give the reason why a row is no document."""
    with pytest.raises(Unreadable) as caught:
        ref.read()
    assert ref.sha256() is None
    return str(caught.value)


def refusal(source: Rows) -> str:
    """Give the sentence that a source is refused with when it is opened."""
    with pytest.raises(ConfigError) as caught, source.opened():
        pass
    return str(caught.value)
