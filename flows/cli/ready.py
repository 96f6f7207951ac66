"""What a run by hand needs before it begins."""

from pathlib import Path

from flows.resolve import Plan
from schemas.errors import ConfigError
from tasks.chat.transport import endpoint_key
from tasks.sources.files import listed


def require_ready(plan: Plan) -> None:
    """Raise ConfigError where the source matches nothing, or the endpoint's key is not set."""
    if next(listed(plan.patterns), None) is None:
        listing = ", ".join(repr(pattern) for pattern in plan.patterns)
        raise ConfigError(f"documents: {listing} matches no file below {Path.cwd()}")
    if not plan.target.local:  # whose key is made when it starts
        endpoint_key(plan.target.endpoint)
