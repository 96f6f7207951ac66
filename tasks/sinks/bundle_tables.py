"""The internal table of files that hold several documents."""

from sqlalchemy import Boolean, Column, Table, Text

from docmill.tasks.sinks.tables import METADATA, Json

# How a file was divided: what is in it, as long as its content is the same and so is what divides it.
BUNDLES = Table(
    "docmill__bundles",
    METADATA,
    Column("pipeline", Text, primary_key=True),
    Column("document_id", Text, primary_key=True),
    Column("content_sha256", Text, nullable=False),
    Column("split_sha256", Text, nullable=False),
    Column("parts", Json, nullable=False),
    Column("unseen", Boolean, nullable=False),
)
