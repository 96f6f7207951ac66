"""Opens a pipeline's stored results for the commands that only read them; none imports Prefect."""

from collections.abc import Iterator
from contextlib import contextmanager

from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.ends import into_of
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.tables import typed_schemas
from docmill.tasks.sinks.results import Results


@contextmanager
def stored(pipeline: str, into: str | None) -> Iterator[tuple[CheckedPipeline, Results]]:
    """Open the results of a pipeline, with its declaration; raises ConfigError where there are none."""
    declared = load(pipeline_file(pipeline))
    results = Results.read(into_of(declared.pipeline, RunOptions(into=into)), declared.pipeline.name)
    try:
        yield declared, results
    finally:
        results.close()


def fields(checked: CheckedPipeline) -> list[str]:
    """List the fields that a record of the pipeline may have, in the order of its tool schemas."""
    names = dict.fromkeys(name for _, _, name in typed_schemas(checked.pipeline))
    properties = (checked.tools[name].parameters.get("properties", {}) for name in names)
    return list(dict.fromkeys(name for each in properties for name in each))
