"""Where a pipeline that is a parameter may send documents and keys: nowhere that its sender chooses."""

import os

from schemas.endpoint import BUILT_IN, Endpoint
from schemas.errors import ConfigError
from schemas.pipeline import Pipeline
from tasks.chat.environment import HOSTS, allowed_hosts, host_of


def safe(pipeline: Pipeline) -> Pipeline:
    """Give a pipeline back that is a flow's parameter; raises ConfigError for an endpoint of its own.

    It may name a built-in endpoint, a mapping whose host is in DOCMILL_HOSTS, or any where the
    environment's own endpoint replaces it.
    """
    named = pipeline.endpoint
    if os.environ.get("DOCMILL_BASE_URL") or named in BUILT_IN:
        return pipeline
    if not isinstance(named, Endpoint):
        raise ConfigError(
            f"endpoint: a pipeline that is given as a parameter names {' or '.join(BUILT_IN)}, or a mapping "
            f"whose host is in {HOSTS}, not a URL (or give the pipeline as a file)"
        )
    hosts = allowed_hosts()
    if hosts is None or host_of(named.base_url) not in hosts:
        raise ConfigError(
            f"endpoint.base_url: a pipeline that is given as a parameter may send to the hosts in {HOSTS} "
            f"alone: set it where the flow runs, or give the pipeline as a file"
        )
    return pipeline
