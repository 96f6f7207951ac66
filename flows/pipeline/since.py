"""Rows that are read from where the last run ended: which runs do so, and what moves the mark."""

from functools import partial

from docmill.flows.pipeline.options import RunOptions
from docmill.schemas.pipeline import Into, Pipeline
from docmill.tasks.sinks.marks import kept
from docmill.tasks.sources.rows import Rows
from docmill.tasks.sources.source import Source


def since_last(source: Source, pipeline: Pipeline, into: Into, sha256: str, options: RunOptions) -> Source:
    """Let rows that declare `since` begin at the mark of the last run, where all else is as it was then.

    A run that takes up what it is told by name, everything anew, or a part of the rows, reads them all.
    """
    asked = options.refresh or options.trial or options.document or options.sample is not None
    if not isinstance(source, Rows) or asked or options.only is not None:
        return source
    if pipeline.rows is None or pipeline.rows.since is None:
        return source
    return source.since(partial(kept, into, pipeline.name, source.sha256(), sha256))
