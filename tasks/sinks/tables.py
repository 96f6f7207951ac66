"""The tables of the results database, as SQLAlchemy declares them. All times are UTC.

A column that comes later than its table is nullable or has a server_default: `upgraded` adds it.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    DefaultClause,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from docmill.schemas.outcome import STATUSES

METADATA = MetaData()
Json = JSON(none_as_null=True)


def tally_columns() -> list[Column[object]]:
    """Give the columns of what calls cost."""
    return [
        Column("attempts", BigInteger, nullable=False),
        Column("calls", BigInteger, nullable=False),
        Column("cached_calls", BigInteger, nullable=False),
        Column("prompt_tokens", BigInteger, nullable=False),
        Column("completion_tokens", BigInteger, nullable=False),
        Column("cached_tokens", BigInteger, nullable=False, server_default="0"),
        Column("reasoning_tokens", BigInteger, nullable=False, server_default="0"),
        Column("cost_usd", Double),
        Column("cost_estimated", Boolean, nullable=False),
    ]


def _earlier(column: Column[Any]) -> Column[Any]:
    """Give a column of docmill_outcomes as docmill_history has it."""
    default = column.server_default
    kept = str(default.arg) if isinstance(default, DefaultClause) else None
    return Column(column.name, column.type, nullable=column.nullable, server_default=kept)


RUNS = Table(
    "docmill_runs",
    METADATA,
    Column("run_id", String, primary_key=True),
    Column("pipeline", Text, nullable=False, index=True),
    Column("pipeline_sha256", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("flow_run_id", Text),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("state", Text, nullable=False),
    Column("documents_in", BigInteger, nullable=False),
    *(Column(status, BigInteger, nullable=False) for status in STATUSES),
    *tally_columns(),
    Column("max_cost_usd", Double),
    Column("shards", Integer, nullable=False, server_default="1"),
    Column("cost_booked", Boolean),
)

OUTCOMES = Table(
    "docmill_outcomes",
    METADATA,
    Column("pipeline", Text, primary_key=True),
    Column("document_id", Text, primary_key=True),
    Column("uri", Text, nullable=False),
    Column("content_sha256", Text),
    Column("pipeline_sha256", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("summary", Text),
    Column("label", Text),
    Column("record", Json),
    Column("evidence", Json),
    Column("steps", Json, nullable=False),
    Column("truncated", Boolean, nullable=False),
    Column("unread", Json),
    Column("recognized", Json),
    Column("missing", Json),
    Column("broken_rules", Json),
    Column("model", Text),
    Column("reviewed_at", DateTime(timezone=True)),
    Column("error", Text),
    *tally_columns(),
    Column("seconds", Double, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("gone_at", DateTime(timezone=True)),
)

# What outcomes were before they changed: the columns of docmill_outcomes, without a key.
HISTORY = Table(
    "docmill_history",
    METADATA,
    *(_earlier(column) for column in OUTCOMES.columns),
    Column("replaced_at", DateTime(timezone=True), nullable=False),
    Index("docmill_history_of", "pipeline", "document_id"),
)

# How right a pipeline's results were; `accepted` is what later ones are held against.
EVALUATIONS = Table(
    "docmill_evaluations",
    METADATA,
    Column("pipeline", Text, primary_key=True),
    Column("run_id", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("labels", Text, nullable=False),
    Column("accepted", Boolean, nullable=False),
    Column("figures", Json, nullable=False),
)

# In how many runs in a row a document was invalid, refused or failed with the same hashes.
FAILURES = Table(
    "docmill__failures",
    METADATA,
    Column("pipeline", Text, primary_key=True),
    Column("document_id", Text, primary_key=True),
    Column("content_sha256", Text),
    Column("pipeline_sha256", Text, nullable=False),
    Column("runs", Integer, nullable=False),
)

# Every decision is kept, in the order of `id`: the last one of a point holds, `undo` opens it again.
DECISIONS = Table(
    "docmill_decisions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("document_id", Text, nullable=False),
    Column("content_sha256", Text),
    Column("step", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("before", Json),
    Column("after", Json),
    Column("within", Json),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("docmill_decisions_of", "pipeline", "document_id"),
)

# What runs with a budget have spent and reserved on a day (UTC), in nano-dollars.
SPENDING = Table(
    "docmill__spending",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Index("docmill__spending_of", "pipeline", "day"),
)

# What a run did by slots of its time, and the seconds that each cause held it back.
TIMELINES = Table(
    "docmill__timelines",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("started", DateTime(timezone=True), nullable=False),
    Column("slot_s", Double, nullable=False),
    Column("series", Json, nullable=False),
    Column("held_back", Json, nullable=False),
)

# What each model of a run came to, where it asks several; a document is of the one that answered last.
MODELS = Table(
    "docmill__models",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    *(Column(status, BigInteger, nullable=False) for status in STATUSES),
    *tally_columns(),
)

# The examples that steps take from reviews; `decided` is the last decision on the document by then.
EXAMPLES = Table(
    "docmill__examples",
    METADATA,
    Column("pipeline", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("document_id", Text, primary_key=True),
    Column("reads", Text, nullable=False),
    Column("content_sha256", Text, nullable=False),
    Column("decided", BigInteger, nullable=False),
    Column("example", Json, nullable=False),
)

# How far a pipeline's rows were read by their column `since`; another source or other steps begin anew.
MARKS = Table(
    "docmill__marks",
    METADATA,
    Column("pipeline", Text, primary_key=True),
    Column("source_sha256", Text, nullable=False),
    Column("pipeline_sha256", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("mark", Json, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

# Notices of outcomes that no webhook has taken yet.
OUTBOX = Table(
    "docmill__outbox",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("body", Json, nullable=False),
    Column("refused_at", DateTime(timezone=True)),  # the last time; others go first
    Index("docmill__outbox_of", "pipeline", "at"),
)

# The database's own random id, one row: a cache knows it again by that.
IDENTITY = Table("docmill__identity", METADATA, Column("id", Text, primary_key=True))

# Which cache tells whether a run lives, and when the run last wrote that it does.
ALIVE = Table(
    "docmill__alive",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("cache", Text, nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
)

# Which typed tables docmill created, so that it alters no other.
TYPED = Table(
    "docmill__tables",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("pipeline", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("parent", Text),  # of a table of items: the typed table
)
