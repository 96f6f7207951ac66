"""Says of a flow run that was given a parameter its flow does not have which one was meant."""

import inspect
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow
from prefect.states import Failed

from docmill.tasks.checks.spelling import meant


def unknown_parameters(flow: Flow[..., Any], flow_run: FlowRun) -> str | None:
    """Name the parameters that a flow does not have, with what was meant; None where there are none."""
    known = inspect.signature(flow.fn).parameters
    unknown = [name for name in flow_run.parameters if name not in known]
    return "; ".join(f"{name}: unknown parameter{meant(name, known)}" for name in unknown) or None


async def refuse_unknown(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001
    """Turn Prefect's Crashed into a Failed that says so; a flow's hook for on_crashed.

    Prefect ends such a run before its flow begins: it says in the log alone which parameters there are.
    """
    if unknown := unknown_parameters(flow, flow_run):
        async with get_client() as client:
            said: State[Any] = Failed(message=f"{unknown}. Nothing was run")
            await client.set_flow_run_state(flow_run.id, said, force=True)
