"""Where a pipeline that is a parameter may send documents and keys: nowhere that its sender chooses."""

import os

from docmill.flows.pipeline.roots import require_database_within, require_within
from docmill.schemas.endpoint import BUILT_IN, VARIABLE, Endpoint
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import LabelsQuery
from docmill.schemas.pipeline import Pipeline
from docmill.tasks.chat.environment import HOSTS, allowed_hosts, host_of
from docmill.tasks.sinks.database import hosts_of


def require_safe(pipeline: Pipeline) -> None:
    """Raise ConfigError for what a pipeline that is a flow's parameter may not say.

    Its endpoint is a built-in one, a mapping whose host is in DOCMILL_HOSTS, or any where the
    environment's own endpoint replaces it. Its databases are SQLite's, or on a host in DOCMILL_HOSTS,
    and take nothing from the environment: that would be sent to a server that the sender chooses. What
    it reads and writes lies below DOCMILL_ROOTS. None of it is looked at before.
    """
    require_within(pipeline)
    _require_safe_database("into", pipeline.sink().url)
    if pipeline.rows and pipeline.rows.url:
        _require_safe_database("rows.url", pipeline.rows.url)
    if pipeline.evaluate and isinstance(pipeline.evaluate.labels, LabelsQuery):
        _require_safe_database("evaluate.labels.url", pipeline.evaluate.labels.url)
    if pipeline.notify:
        _require_safe_webhook(pipeline.notify.url)
    named = pipeline.endpoint
    if os.environ.get("DOCMILL_BASE_URL") or named in BUILT_IN:
        return
    if not isinstance(named, Endpoint):
        raise ConfigError(
            f"endpoint: a pipeline that is given as a parameter names {' or '.join(BUILT_IN)}, or a mapping "
            f"whose host is in {HOSTS}, not a URL (or give the pipeline as a file)"
        )
    if host_of(named.base_url) not in (allowed_hosts() or ()):
        raise ConfigError(_refusal("endpoint.base_url"))


def require_safe_into(url: str) -> None:
    """Raise ConfigError for a results database that a flow's parameter may not name."""
    require_database_within("into", url)
    _require_safe_database("into", url)


def _require_safe_database(place: str, url: str) -> None:
    if VARIABLE.search(url):
        raise ConfigError(
            f"{place}: a pipeline that is given as a parameter takes nothing from the environment: "
            "give it as a file"
        )
    # A driver adds the environment's own password.
    if not hosts_of(place, url) <= (allowed_hosts() or frozenset()):
        raise ConfigError(_refusal(place))


def _require_safe_webhook(url: str) -> None:
    if VARIABLE.search(url):
        raise ConfigError(
            "notify.url: a pipeline that is given as a parameter takes nothing from the environment: "
            "give it as a file"
        )
    if host_of(url) not in (allowed_hosts() or ()):
        raise ConfigError(_refusal("notify.url"))


def _refusal(place: str) -> str:
    return (
        f"{place}: a pipeline that is given as a parameter may send to the hosts in {HOSTS} alone: set it "
        "where the flow runs, or give the pipeline as a file"
    )
