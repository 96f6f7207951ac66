"""A pipeline's file as an object."""

from pathlib import Path

from docmill.flows.pipeline import file
from docmill.schemas.pipeline import Pipeline


def load(path: Path | str) -> Pipeline:
    """Read and check a pipeline: a YAML file, or the name of one where pipelines are found.

    Its tool schemas are checked too; nothing is sent. Raises ConfigError with each fault on a line of its
    own: file:line:column, the place in the pipeline, what is wrong and what was meant.

    >>> pipeline = docmill.load("letters.yaml")
    >>> pipeline.name, pipeline.limits.concurrency
    ('letters', 8)
    """
    return file.load(file.pipeline_file(str(path))).pipeline
