"""Who is told of outcomes by a webhook."""

from typing import Annotated

from pydantic import AfterValidator, Field

from docmill.schemas.endpoint import Declared, without_password
from docmill.schemas.outcome import Status


class Notify(Declared):
    """A URL to which outcomes are posted once they are stored, signed by DOCMILL_NOTIFY_SECRET."""

    url: Annotated[str, AfterValidator(without_password)] = Field(
        pattern=r"^(https?://|\$\{)", description="Where to post; ${DOCMILL_NAME} takes a variable"
    )
    statuses: tuple[Status, ...] = Field(
        default=("done",), min_length=1, description="Of which outcomes: done where nothing is said"
    )
    batch: int = Field(default=100, gt=0, le=1000, strict=True, description="Outcomes in a request at most")
