"""Requests that a stand-in answers, with what they come to: calls, and tokens of four characters each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from prefect.client.schemas.objects import State

from docmill.flows.run.answer import Requests
from docmill.schemas.chat import Completion
from docmill.schemas.tool import ToolSchema
from docmill.tasks.chat.request_state import REPAIRS

CHARS_A_TOKEN = 4


@dataclass(kw_only=True)
class Counted(Requests):
    """Counts the calls of a step; `tokens` are those that were read, and those that were written."""

    calls: int = 0
    tokens: list[int] = field(default_factory=lambda: [0, 0])

    async def completion(
        self,
        body: bytes,
        tool: ToolSchema | None,  # noqa: ARG002
        after: Sequence[State[Any]],  # noqa: ARG002
        *,
        repairs: int = REPAIRS,  # noqa: ARG002
    ) -> Completion:
        """Answer a body."""
        self.calls += 1
        self.tokens[0] += len(body) // CHARS_A_TOKEN
        return self.replied(body)

    def replied(self, body: bytes) -> Completion:
        """Make the reply, and count what was written of it."""
        raise NotImplementedError
