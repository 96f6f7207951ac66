"""What a run by hand needs before it begins."""

from docmill.flows.pipeline.budget import require_affordable
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.errors import ConfigError
from docmill.tasks.chat.environment import endpoint_key, require_allowed


def require_ready(plan: Plan) -> None:
    """Raise ConfigError where the source matches nothing, the key is not set, or the budget holds no call."""
    require_affordable(plan)
    with plan.source.opened() as refs:
        if next(refs, None) is None:
            raise ConfigError(plan.source.nothing())
    require_allowed(plan.target.endpoint)
    if not plan.target.local:  # whose key is made when it starts
        endpoint_key(plan.target.endpoint)
