"""A parameter that a flow does not have is named, and no other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed

from docmill.flows.process import process
from docmill.flows.run import refusal
from docmill.flows.run.refusal import refuse_unknown, unknown_parameters


def test_only_what_a_flow_does_not_have_is_named():
    given = FlowRun(flow_id=uuid4(), parameters={"pipeline": "p", "documnts": [], "limit": 1})
    said = unknown_parameters(process, given)
    assert said == "documnts: unknown parameter; did you mean documents?"
    assert unknown_parameters(process, FlowRun(flow_id=uuid4(), parameters={"pipeline": "p"})) is None


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"limt": 1}, ["limt: unknown parameter; did you mean limit?. Nothing was run"]),
        ({"limit": 1}, []),
    ],
)
async def test_a_flow_run_that_crashed_is_failed_for_what_its_flow_does_not_have_alone(
    parameters: dict[str, Any], said: list[str], monkeypatch: pytest.MonkeyPatch
):
    told: list[tuple[object, str, str, bool]] = []

    async def take(flow_run_id: object, state: Any, *, force: bool) -> None:
        told.append((flow_run_id, state.type.value, state.message, force))

    @asynccontextmanager
    async def client() -> AsyncIterator[Any]:
        yield SimpleNamespace(set_flow_run_state=take)

    monkeypatch.setattr(refusal, "get_client", client)
    flow_run = FlowRun(flow_id=uuid4(), parameters=parameters)
    await refuse_unknown(process, flow_run, Crashed())
    assert told == [(flow_run.id, "FAILED", each, True) for each in said]
