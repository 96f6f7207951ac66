"""A results database's own random id, which tells it from another at the same path or URL."""

import secrets

from sqlalchemy import Connection, inspect, select

from docmill.tasks.sinks.tables import IDENTITY


def give_id(connection: Connection) -> None:
    """Give the database an id where it has none; in a transaction that changes its tables."""
    if connection.execute(select(IDENTITY.c.id)).first() is None:
        connection.execute(IDENTITY.insert().values(id=secrets.token_hex(8)))


def id_of(connection: Connection) -> str | None:
    """Read the database's id; None where an earlier version made it."""
    if not inspect(connection).has_table(IDENTITY.name):
        return None
    return connection.execute(select(IDENTITY.c.id)).scalar()
