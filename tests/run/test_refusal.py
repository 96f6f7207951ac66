"""A parameter that a flow does not have is named, and no other."""

from uuid import uuid4

from prefect.client.schemas.objects import FlowRun

from docmill.flows.process import process
from docmill.flows.run.refusal import unknown_parameters


def test_only_what_a_flow_does_not_have_is_named():
    given = FlowRun(flow_id=uuid4(), parameters={"pipeline": "p", "documnts": [], "limit": 1})
    said = unknown_parameters(process, given)
    assert said == "documnts: unknown parameter; did you mean documents?"
    assert unknown_parameters(process, FlowRun(flow_id=uuid4(), parameters={"pipeline": "p"})) is None
