"""Ask `complete` in a flow of its own, as an engine does, and read what Prefect recorded."""

import asyncio
from collections.abc import Sequence
from typing import Any

import rfc8785
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed
from prefect.utilities.annotations import quote

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Endpoint, Target
from docmill.schemas.pipeline import Limits
from docmill.tasks.chat.complete import complete
from docmill.tasks.chat.session import Session, session

SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


def target(url: str, **settings: Any) -> Target:
    """Make the target of a test's provider."""
    endpoint = Endpoint(base_url=url, **settings)
    return Target(name="test", endpoint=endpoint, model="m", identity=settings.get("cache_id") or url)


def free(text: str = "hello", **parameters: Any) -> bytes:
    """Build a body that asks for free text."""
    messages = [{"role": "user", "content": text}]
    return rfc8785.dumps({"model": "m", "messages": messages, "max_tokens": 100, **parameters})


def forced(text: str = "hello", schema: Any = SCHEMA, **parameters: Any) -> bytes:
    """Build a body that forces a tool."""
    function = {"name": "record", "description": "Record.", "parameters": schema}
    choice = {"type": "function", "function": {"name": "record"}}
    return free(text, tools=[{"type": "function", "function": function}], tool_choice=choice, **parameters)


class Asked:
    """What came of a flow run's calls: their states in order, and the session they used."""

    def __init__(self, states: Sequence[State[Any]], session: Session, flow_run_id: str) -> None:
        self.states = states
        self.session = session
        self.flow_run_id = flow_run_id

    @property
    def names(self) -> list[str]:
        """Name the states: Completed, Cached, Failed."""
        return [str(state.name) for state in self.states]

    async def completions(self) -> list[Completion]:
        """Read the completions, of calls that all came about."""
        return [Completion.model_validate_json(await state.result()) for state in self.states]

    async def errors(self) -> list[Any]:
        """Give the calls' errors."""
        return [await state.result(raise_on_failure=False) for state in self.states]  # type: ignore[misc]

    async def task_runs(self, expected: int) -> list[Any]:
        """Read the flow run's task runs from the server, when so many are final there."""
        async with get_client() as client:
            for _ in range(200):
                query = {"flow_runs": {"id": {"any_": [self.flow_run_id]}}}
                reply = await client.request("POST", "/task_runs/filter", json=query)
                # A row may have its end before it has its state.
                runs = [run for run in reply.json() if run["end_time"] and run["state"]]
                if len(runs) >= expected:
                    return runs
                await asyncio.sleep(0.1)
        raise AssertionError(f"{len(runs)} task runs of {expected} were recorded")


async def ask(
    whom: Target, *bodies: bytes, concurrency: int = 8, refresh: bool = False, schema: str | None = None
) -> Asked:
    """Ask for completions of the bodies, all at once, in one flow run and one session."""
    asked: list[Asked] = []

    @flow(name="ask")
    async def main() -> State[Any]:
        async with session(whom, Limits(concurrency=concurrency), refresh=refresh) as opened:
            calls = [
                complete(quote(body), step="s", document=f"d{number}", schema=schema, return_state=True)
                for number, body in enumerate(bodies)
            ]
            states = await asyncio.gather(*calls)  # type: ignore[call-overload]
        context = FlowRunContext.get()
        assert context is not None
        assert context.flow_run is not None
        asked.append(Asked(states, opened, str(context.flow_run.id)))
        return Completed(message="asked")

    await main()
    return asked[0]
