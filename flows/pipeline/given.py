"""The plan of a pipeline that a flow's parameters name or hold."""

from pathlib import Path
from typing import Any

from docmill.flows.pipeline.checked import checked, modelled
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.parameter import require_safe
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.flows.pipeline.roots import Roots
from docmill.schemas.pipeline import Pipeline

Given = Path | str | Pipeline | dict[str, Any]  # a file, a name, or the pipeline itself


def plan_of(pipeline: Given, chosen: RunOptions, *, by_parameter: bool) -> Plan:
    """Judge what came as a parameter before anything that it names is read; raises ConfigError.

    `by_parameter` says whether the options did too.
    """
    roots, declared = Roots.of_environment(), not isinstance(pipeline, Path | str)
    if isinstance(pipeline, Path | str):
        found = load(pipeline_file(str(pipeline)))
    else:
        named = pipeline if isinstance(pipeline, Pipeline) else modelled(pipeline)
        require_safe(named)
        found = checked(named)
    if confined := by_parameter and chosen.documents is not None:
        roots = roots if declared else roots.beside(found.pipeline.patterns())
        roots.require_documents("documents", [str(chosen.documents)])
    return resolve(found, chosen, roots.folders if declared or confined else None)
