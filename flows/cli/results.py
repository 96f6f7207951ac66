"""Opens a pipeline's stored results for the commands that only read them; none imports Prefect."""

from collections.abc import Iterator
from contextlib import contextmanager

from docmill.flows.pipeline.file import load, pipeline_file, tools
from docmill.flows.pipeline.graph import extract_schemas
from docmill.flows.pipeline.plan import Overrides, into_of
from docmill.schemas.pipeline import Pipeline
from docmill.tasks.sinks.results import Results


@contextmanager
def stored(pipeline: str, into: str | None) -> Iterator[tuple[Pipeline, Results]]:
    """Open the results of a pipeline, with its declaration; raises ConfigError where there are none."""
    declared = load(pipeline_file(pipeline))
    results = Results.read(into_of(declared, Overrides(into=into)), declared.name)
    try:
        yield declared, results
    finally:
        results.close()


def fields(pipeline: Pipeline) -> list[str]:
    """List the fields that a record of the pipeline may have, in the order of its tool schemas."""
    loaded = tools(pipeline)
    properties = (loaded[name].parameters.get("properties", {}) for name in extract_schemas(pipeline))
    return list(dict.fromkeys(name for each in properties for name in each))
