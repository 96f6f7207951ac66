"""`process`: the flow that runs a pipeline over its documents."""

from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from docmill.flows.pipeline.file import declared, load, pipeline_file
from docmill.flows.pipeline.parameter import safe
from docmill.flows.pipeline.plan import Overrides, Plan, resolve
from docmill.flows.run.flow_run import conducted, flow_run_name, overrides
from docmill.schemas.pipeline import Pipeline

Limit = Annotated[int | None, Field(gt=0)]


# The parameters are validated below, as Prefect would not say where in a pipeline a key is misspelt.
@flow(name="process", flow_run_name=flow_run_name, validate_parameters=False)
async def process(
    pipeline: Path | Pipeline,
    documents: str | None = None,
    limit: Limit = None,
    refresh: bool = False,
) -> State[Any]:
    """Run a pipeline over its documents.

    Args:
        pipeline: A pipeline's file or name, or the pipeline itself.
        documents: A glob, which replaces the pipeline's own.
        limit: Takes up the first so many documents that are not unchanged.
        refresh: Asks everything anew: nothing counts as unchanged.

    """
    given = Overrides(documents, limit=limit, refresh=refresh)

    def prepare() -> Plan:
        return resolve(_declared(pipeline), overrides(given))

    return await conducted(prepare)


def _declared(pipeline: Path | str | Pipeline | dict[str, Any]) -> Pipeline:
    if isinstance(pipeline, Path | str):
        return load(pipeline_file(str(pipeline)))
    return safe(pipeline if isinstance(pipeline, Pipeline) else declared(pipeline))
