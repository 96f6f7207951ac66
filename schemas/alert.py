"""What a run is not to pass in silence."""

from pydantic import Field

from docmill.schemas.endpoint import Declared
from docmill.schemas.evaluate import Share


class Alert(Declared):
    """Thresholds of a run: above each it emits `docmill.alert`. Shares are of the run's documents."""

    cost_usd: float | None = Field(default=None, ge=0, description="What a run may cost, in USD")
    review: Share | None = Field(default=None, description="The share that may be in review, 0 to 1")
    bad: Share | None = Field(
        default=None, description="The share that may be invalid, refused or failed, 0 to 1"
    )
    deferred: Share | None = Field(default=None, description="The share that may be deferred, 0 to 1")
