"""A rule that a record has to keep, as a pipeline or a tool schema's file declares it."""

from pydantic import BaseModel, ConfigDict, Field

from docmill.schemas.endpoint import Declared

LONGEST_RULE = 1000


class Rule(Declared):
    """An expression in CEL over a record, true where the rule is kept."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_-]*$", max_length=40, description="What it is called in results"
    )
    that: str = Field(
        min_length=1,
        max_length=LONGEST_RULE,
        description="CEL over the record's fields, such as net + tax == total",
    )
    message: str = Field(
        default="", max_length=500, description="What is wrong where it is broken, for model and people"
    )

    @property
    def said(self) -> str:
        """What is wrong where the rule is broken."""
        return self.message or f"{self.that} does not hold"


class BrokenRule(BaseModel):
    """A rule that a record does not keep, and what is wrong."""

    model_config = ConfigDict(frozen=True)

    name: str
    message: str
