"""The deployment `shard` on the Prefect server, and the flow runs of it that a run starts and follows."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from httpx import HTTPError
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State, WorkPoolStatus
from prefect.deployments.flow_runs import arun_deployment
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound, PrefectException
from prefect.states import Cancelled, Cancelling, Crashed

NAME = "shard/shard"
POOL = "docmill"
States = Mapping[str, State[Any] | None]


async def require_deployment(client: PrefectClient, tell: Callable[[str], None]) -> None:
    """Register the deployment of shards where the server has none: for workers of this directory."""
    with suppress(ObjectNotFound):
        await client.read_deployment_by_name(NAME)
        return
    with suppress(ObjectAlreadyExists):
        await client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
    here = {"prefect.deployments.steps.set_working_directory": {"directory": str(Path.cwd())}}
    await client.create_deployment(
        flow_id=await client.create_flow_from_name("shard"),
        name="shard",
        description="A part of a run's documents: runs with shards start it.",
        entrypoint="docmill.flows.shard.shard",
        tags=["docmill"],
        work_pool_name=POOL,
        pull_steps=[here],
        enforce_parameter_schema=False,
    )
    tell(f"the deployment {NAME} is registered: its workers work in {Path.cwd()}")


async def why_nobody(client: PrefectClient) -> str:
    """Say why no worker takes the shards up; nothing where one could."""
    deployment = await client.read_deployment_by_name(NAME)
    if deployment.work_pool_name is None:
        return ""
    pool = await client.read_work_pool(deployment.work_pool_name)
    if pool.is_paused:
        return f"the work pool {pool.name} is paused"
    if pool.status == WorkPoolStatus.NOT_READY:
        return f"no worker is online in the work pool {pool.name}: `prefect worker start --pool {pool.name}`"
    return ""


async def start(client: PrefectClient, name: str, key: str, parameters: dict[str, Any]) -> str:
    """Start a flow run below the one that asks; the same key gives the same one. Gives its id."""
    begun = await arun_deployment(
        NAME, client=client, parameters=parameters, timeout=0, flow_run_name=name, idempotency_key=key
    )
    return str(begun.id)


async def states(client: PrefectClient, flow_run_ids: Iterable[str]) -> States:
    """Give the states of these flow runs; one that the server no longer has is not among them."""
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(each) for each in flow_run_ids]))
    found = await client.read_flow_runs(flow_run_filter=wanted)
    return {str(each.id): each.state for each in found}


async def cancel(client: PrefectClient, flow_run_id: str, state: State[Any] | None) -> None:
    """Have a flow run end as by Cancel in the UI; one that no worker has yet ends at once."""
    if state is not None and state.is_cancelling():
        return  # its worker ends it: what it has in flight is still written
    waits = state is not None and state.is_scheduled()
    wanted: State[Any] = Cancelled(message="the run was stopped") if waits else Cancelling()
    with suppress(HTTPError, PrefectException):
        await client.set_flow_run_state(UUID(flow_run_id), wanted)


async def crash(client: PrefectClient, flow_run_id: str, why: str) -> None:
    """Say of a flow run whose process is gone that it crashed."""
    died: State[Any] = Crashed(message=why)
    with suppress(HTTPError, PrefectException):
        await client.set_flow_run_state(UUID(flow_run_id), died, force=True)
