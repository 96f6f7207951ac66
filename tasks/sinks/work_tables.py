"""The internal tables of runs that shards do."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, Text

from docmill.tasks.sinks.tables import METADATA, Json, tally_columns

# The documents of a run that shards do: `place` is 31 bits of the id's sha256, and each shard has a part of
# their range. `text` is a row's, which is not read again, `fault` why it is no document, `file` the one that
# it names, or that a document is within.
WORK = Table(
    "docmill__work",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("place", BigInteger, primary_key=True),
    Column("document_id", Text, primary_key=True),
    Column("uri", Text, nullable=False),
    Column("text", Text),
    Column("fault", Text),
    Column("file", Text),
    Column("status", Text),
)

# What the shards of a run have come to; an attempt that is not the last one writes nothing any more.
SHARDS = Table(
    "docmill__shards",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("beyond", BigInteger, nullable=False),
    Column("documents", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("flow_run_id", Text),
    Column("state", Text, nullable=False),
    Column("beats", BigInteger, nullable=False),
    Column("counts", Json, nullable=False),
    *tally_columns(),
    Column("error", Text),
    Column("error_kind", Text),
    Column("selection", Text, nullable=False),
    Column("cost_booked", Boolean),
)
