"""A tool schema: what an extract step asks for."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ToolSchema(BaseModel):
    """The function part of the protocol's tool; `id` is its file's stem.

    `parameters` is sent and checked as it stands here: `$defs` inlined, objects closed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    description: str = Field(min_length=1)
    parameters: dict[str, Any]
