"""Memory does not grow with the documents: what is kept of each is dropped with it."""

import pytest
from prefect.context import FlowRunContext

from docmill.flows.observe.observer import Observer
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.process import process
from docmill.flows.run.flow_run import Invocation, invoked
from docmill.schemas.outcome import Outcome
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = pytest.mark.slow

DOCUMENTS = 120
UNDER_WAY = 24  # documents at 8 calls in flight: 8 and 8 more, and those whose outcome is being written


class Kept(Observer):
    """Notes the most that the flow run's context has kept when an outcome was stored."""

    def __init__(self) -> None:
        self.most = 0
        self.outcomes = 0

    def outcome(self, outcome: Outcome) -> None:
        """Look at the context."""
        context = FlowRunContext.get()
        assert context is not None
        self.outcomes += 1
        self.most = max(self.most, len(context.run_results), len(context.task_run_assets))


async def test_prefect_keeps_no_more_than_the_documents_under_way(
    project: Project, provider: Provider, prefect_api: str
):
    project.documents(**{f"d{number:03}": f"text {number}" for number in range(DOCUMENTS)})
    pipeline = project.pipeline(provider.url, "  - summarize:\n")
    kept = Kept()
    with invoked(Invocation(RunOptions(), kept)):
        await process(pipeline, return_state=True)
    assert kept.outcomes == DOCUMENTS
    assert kept.most <= UNDER_WAY
