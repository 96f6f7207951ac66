"""`process`: the flow that runs a pipeline over its documents."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from docmill.flows.pipeline.given import plan_of
from docmill.flows.pipeline.options import RunOptions, Shards
from docmill.flows.pipeline.plan import Plan
from docmill.flows.pipeline.shards import require_room, require_shards
from docmill.flows.plan.confirming import confirmed
from docmill.flows.plan.shown import planned
from docmill.flows.run.flow_run import execute, flow_run_name, options, whole
from docmill.flows.run.refusal import refuse_unknown
from docmill.flows.shards.sharded import sharded
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
    shards: Shards = 1,
) -> State[Any]:
    """Run a pipeline over its documents.

    Args:
        pipeline: A pipeline's file, its name, or the pipeline itself.
        documents: A glob, which replaces the pipeline's own.
        limit: Takes up the first so many documents that are not unchanged.
        refresh: Asks everything anew: nothing counts as unchanged.
        shards: How many flow runs of the deployment `shard` do the documents, on its work pool's workers;
            `auto` goes by the calls and the limits.
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
    given = RunOptions(documents=documents, limit=limit, refresh=refresh, shards=shards)
    chosen = options(given)

    def prepare() -> Plan:
        require_shards(chosen)
        plan = plan_of(pipeline, chosen, by_parameter=chosen is given)
        require_room(plan)
        return plan

    if plan_only:
        return await planned(prepare)
    work = whole if chosen.shards == 1 else partial(sharded, pipeline=pipeline, chosen=chosen)
    return await execute(prepare, confirmed, work)
