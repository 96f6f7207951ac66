"""A tool schema: what an extract step asks for."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from docmill.schemas.rule import Rule


class ToolFile(BaseModel):
    """The function part of the protocol's tool, as a file declares it; `id` is the file's stem."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    description: str = Field(min_length=1)
    parameters: dict[str, Any]
    rules: tuple[Rule, ...] = Field(default=(), alias="x-rules")


class ToolSchema(ToolFile):
    """A tool ready for use: `parameters` is sent and checked as it stands, `$defs` inlined, objects closed.

    `marked` is the same with docmill's own keywords: x-evidence and x-complete, by which a record is held
    against its document, and x-table.
    """

    marked: dict[str, Any] = Field(default_factory=dict)
