"""Whom a run tells of outcomes."""

from docmill.schemas.endpoint import Endpoint
from docmill.schemas.notify import Notify
from docmill.schemas.pipeline import Pipeline
from docmill.tasks.checks.variables import expanded


def notify_of(pipeline: Pipeline) -> Notify | None:
    """Give whom a webhook tells, with the variables of its URL filled in; not the endpoint's key."""
    if pipeline.notify is None:
        return None
    secret = pipeline.endpoint.api_key_env if isinstance(pipeline.endpoint, Endpoint) else None
    url = expanded(pipeline.notify.url, "notify.url", prefix="DOCMILL_", secret=secret)
    return pipeline.notify.model_copy(update={"url": url})
