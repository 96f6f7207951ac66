"""`process`: the flow that runs a pipeline over its documents."""

from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from docmill.flows.pipeline.checked import checked, modelled
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.parameter import require_safe
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.flows.pipeline.roots import Roots
from docmill.flows.plan.confirming import confirmed
from docmill.flows.plan.shown import planned
from docmill.flows.run.flow_run import execute, flow_run_name, options
from docmill.flows.run.refusal import refuse_unknown
from docmill.schemas.pipeline import Pipeline

Limit = Annotated[int | None, Field(gt=0)]


# The parameters are validated below, as Prefect would not say where in a pipeline a key is misspelt.
@flow(name="process", flow_run_name=flow_run_name, validate_parameters=False, on_crashed=[refuse_unknown])
async def process(
    pipeline: Path | Pipeline,
    documents: str | None = None,
    limit: Limit = None,
    refresh: bool = False,
    plan_only: bool = False,
) -> State[Any]:
    """Run a pipeline over its documents.

    Args:
        pipeline: A pipeline's file, its name, or the pipeline itself.
        documents: A glob, which replaces the pipeline's own.
        limit: Takes up the first so many documents that are not unchanged.
        refresh: Asks everything anew: nothing counts as unchanged.
        plan_only: Says in an artifact and in the state's message what a run would do and cost; sends nothing.

    With Prefect's `return_state=True` it gives the final state: Completed where every document is done,
    unchanged or in review; Incomplete, a Failed with the counts as its message, where some are not or what
    the pipeline's `evaluate` asks does not hold; Stopped, which is Cancelled for a signal or a cancel, else
    Failed; Failed with what is wrong as its message. Without, it gives nothing and raises where the run is
    not Completed. A pipeline that is no file is held to what a parameter may do: its endpoint is built in, or
    on a host in DOCMILL_HOSTS.

    >>> state = await docmill.process(Path("letters.yaml"), return_state=True)
    >>> state.name, state.message
    ('Completed', '1 document: 1 done')

    """
    given = RunOptions(documents=documents, limit=limit, refresh=refresh)

    def prepare() -> Plan:
        return _plan(pipeline, given)

    return await planned(prepare) if plan_only else await execute(prepare, confirmed)


def _plan(pipeline: Path | str | Pipeline | dict[str, Any], given: RunOptions) -> Plan:
    """Judge what came as a parameter before anything that it names is read."""
    chosen, roots, declared = options(given), Roots.of_environment(), not isinstance(pipeline, Path | str)
    if isinstance(pipeline, Path | str):
        found = load(pipeline_file(str(pipeline)))
    else:
        named = pipeline if isinstance(pipeline, Pipeline) else modelled(pipeline)
        require_safe(named)
        found = checked(named)
    if by_parameter := chosen is given and given.documents is not None:
        roots = roots if declared else roots.beside(found.pipeline.patterns())
        roots.require_documents("documents", [str(given.documents)])
    return resolve(found, chosen, roots.folders if declared or by_parameter else None)
