"""The ends of a pipeline: where documents come from, where results and notices go, and what is compared."""

import os
from functools import partial
from pathlib import Path

from docmill.flows.pipeline.endpoint import first
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.roots import Roots
from docmill.schemas.document import Sight
from docmill.schemas.endpoint import Endpoint, Target
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import Evaluate
from docmill.schemas.notify import Notify
from docmill.schemas.pipeline import Into, Pipeline
from docmill.schemas.pipeline import Rows as RowsDeclared
from docmill.tasks.checks.variables import expanded
from docmill.tasks.sinks.bundles import known
from docmill.tasks.sinks.database import sqlite_file
from docmill.tasks.sinks.keys import KeyedInto
from docmill.tasks.sources import scans
from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.documents import source_of
from docmill.tasks.sources.query import duckdb_file
from docmill.tasks.sources.row_files import Permitted
from docmill.tasks.sources.rows import Rows, Rules
from docmill.tasks.sources.selected import Only, Selected
from docmill.tasks.sources.source import Source


def ends(
    pipeline: Pipeline, options: RunOptions, sight: Sight | None = None, split_sha256: str | None = None
) -> tuple[Source, Into]:
    """Decide where documents come from and where results go; `sight` is what is done with pictures.

    Files are divided as runs have divided them, with a `split_sha256` only those that divided them so.
    """
    into = into_of(pipeline, options)
    if pipeline.rows is None:
        patterns = pipeline.patterns() if options.documents is None else (options.documents,)
        globs = [_expanded_url(pattern, pipeline) for pattern in patterns]
        files = source_of(globs, sight or Sight(ocr=pipeline.ocr))
        if not pipeline.split:
            return files, into
        anew = options.refresh and not options.names_parts()
        return Bundles(files, partial(known, into, pipeline.name, split_sha256), anew=anew), into
    if options.documents is not None:
        raise ConfigError(f"--documents: the pipeline {pipeline.name} reads rows: change its query instead")
    roots = Roots.of_environment()
    named = Permitted(roots.folders, roots.urls)
    declared = _expanded_rows(pipeline, pipeline.rows)
    _require_apart(declared, into)
    rows = Rows(declared, Rules(named=named))
    return rows, KeyedInto(**into.model_dump(exclude_unset=True), first_key=rows.first_key)


def sight_of(pipeline: Pipeline, target: Target) -> Sight:
    """Say what is done with pictures; raises ConfigError where nobody draws what is to be shown."""
    if target.endpoint.vision and not scans.reads(pipeline.ocr):
        raise ConfigError(
            "endpoint.vision: pages are drawn where they are read by their pictures: `pip install "
            "'docmill[ocr]'`, and no `ocr: off`"
        )
    return Sight(ocr=pipeline.ocr, shown=target.endpoint.vision)


def into_of(pipeline: Pipeline, options: RunOptions) -> Into:
    """Decide where results go: option before environment before pipeline."""
    url, _ = first(("--into", options.into), ("DOCMILL_INTO", os.environ.get("DOCMILL_INTO")))
    sink = pipeline.sink()
    return sink.model_copy(update={"url": url or expanded(sink.url, "into", secret=_secret(pipeline))})


def evaluate_of(pipeline: Pipeline) -> Evaluate | None:
    """Give what results are held against, with the variables of its URL filled in."""
    declared = pipeline.evaluate
    if declared is None or isinstance(declared.labels, str):
        return declared
    url = expanded(declared.labels.url, "evaluate.labels.url", secret=_secret(pipeline))
    return declared.model_copy(update={"labels": declared.labels.model_copy(update={"url": url})})


def notify_of(pipeline: Pipeline) -> Notify | None:
    """Give whom a webhook tells, with the variables of its URL filled in."""
    declared = pipeline.notify
    if declared is None:
        return None
    url = expanded(declared.url, "notify.url", prefix="DOCMILL_", secret=_secret(pipeline))
    return declared.model_copy(update={"url": url})


def selected(source: Source, options: RunOptions) -> Source:
    """Take a part of the source where the options ask for one."""
    if options.only is not None:
        source = Only(source, options.only)
    if not options.document and options.sample is None:
        return source
    return Selected(source, options.document, options.sample)


def _expanded_rows(pipeline: Pipeline, rows: RowsDeclared) -> RowsDeclared:
    """Fill in the variables of the database's URL, or of those of files."""
    if rows.url:
        url = expanded(rows.url, "rows.url", secret=_secret(pipeline))
        return rows.model_copy(update={"url": url})
    files = tuple(_expanded_url(pattern, pipeline, "rows.files") for pattern in rows.patterns())
    return rows.model_copy(update={"files": files})


def _require_apart(rows: RowsDeclared, into: Into) -> None:
    """Raise ConfigError where rows are read of the DuckDB file that results go to: it takes one at a time."""
    file = duckdb_file(rows.url) if rows.url else None
    if file is not None and file.resolve() == (sqlite_file(into.url) or Path()).resolve():
        raise ConfigError(
            "rows.url and into name the same DuckDB file, which takes one at a time: name another"
        )


def _expanded_url(pattern: str, pipeline: Pipeline, place: str = "documents") -> str:
    """Fill in the variables of a URL; in a path `${NAME}` is a name."""
    if "://" not in pattern:
        return pattern
    return expanded(pattern, place, prefix="DOCMILL_", secret=_secret(pipeline))


def _secret(pipeline: Pipeline) -> str | None:
    """Name the variable of the endpoint's key, which goes nowhere else."""
    return pipeline.endpoint.api_key_env if isinstance(pipeline.endpoint, Endpoint) else None
