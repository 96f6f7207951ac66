"""The requests of a run: each is a run of the one task that makes chat completions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect.client.schemas.objects import State
from prefect.utilities.annotations import opaque, quote

from docmill.flows.run.answer import Requests
from docmill.schemas.chat import Completion
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.complete import complete, record_key
from docmill.tasks.chat.request_state import REPAIRS
from docmill.tasks.chat.session import Session
from docmill.tasks.checks.request import require_room
from docmill.tasks.steps.prompt import unsent_schema


@dataclass(kw_only=True)
class Calls(Requests):
    """The requests of a run, each of which is a task run; `waited` are the states of the steps before."""

    session: Session
    waited: list[State[Any]]

    async def completion(
        self, body: bytes, tool: ToolSchema | None, after: Sequence[State[Any]], *, repairs: int = REPAIRS
    ) -> Completion:
        """Ask for the completion of a body by a task run.

        Prefect starts nothing that waits for a failed task run: such are left out.
        """
        ended = [state for state in after if state.is_completed()]
        require_room(body, self.target.endpoint)
        await self.session.backlog.room()
        self.session.task_runs += 1
        state: State[Any] = await complete(  # type: ignore[misc]  # Prefect declares an async task's state as its own
            quote(body),
            step=self.step.id,
            document=self.basis.document.document_id,
            schema=unsent_schema(self.target, tool),
            longest=self.acts.longest(self.step.options),
            repairs=repairs,
            return_state=True,
            wait_for=[opaque(each) for each in ended or self.waited],
        )
        self.session.backlog.ended(state.state_details.task_run_id)
        self.states.append(state)
        self.session.check_storage()
        completion = Completion.model_validate_json(await state.result())
        caller = (self.basis.document.document_id, self.step.id)
        cached = state.name == "Cached"
        self.session.made.answered(caller, record_key(state), self.model, completion, cached=cached)
        return completion
