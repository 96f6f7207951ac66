"""`arrived`: the flow that an event starts, over exactly the documents that it names."""

from dataclasses import replace
from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from docmill.flows.pipeline.file import NAME, named
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.flows.plan.confirming import confirmed
from docmill.flows.run.flow_run import execute, flow_run_name, options
from docmill.flows.run.refusal import refuse_unknown
from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.arrivals import Arrivals
from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.documents import Documents
from docmill.tasks.sources.files import Files


@flow(name="arrived", flow_run_name=flow_run_name, validate_parameters=False, on_crashed=[refuse_unknown])
async def arrived(pipeline: Annotated[str, Field(pattern=f"^{NAME}$")], documents: list[str]) -> State[Any]:
    """Run a pipeline over the documents that an event names.

    Args:
        pipeline: A pipeline's name.
        documents: Paths or URIs; one that the pipeline's own pattern does not match is failed.

    """

    def prepare() -> Plan:
        return _plan(pipeline, documents)

    return await execute(prepare, confirmed)


def _plan(pipeline: object, documents: object) -> Plan:
    # An event's payload may hold anything.
    found = named(pipeline, "pipeline")
    if not isinstance(documents, list) or not all(isinstance(name, str) for name in documents):
        raise ConfigError("documents: must be a list of paths or URIs")
    plan = resolve(found, options(RunOptions()))
    if isinstance(plan.source, Bundles):
        return replace(plan, source=plan.source.over(documents), gone=None)
    assert isinstance(plan.source, Files | Documents)
    return replace(plan, source=Arrivals(plan.source, tuple(documents)), gone=None)
