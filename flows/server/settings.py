"""Prefect's settings that docmill needs, set before Prefect is imported."""

import os
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

from docmill.schemas.endpoint import is_loopback

# What docmill's flows and its own Prefect server run with; docs/operations.md says why. A worker that
# starts in the clone reads the same from [tool.prefect] of pyproject.toml, which a test compares.
VARIABLES = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1.0",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def apply() -> None:
    """Set what is unset of these in the environment, where Prefect reads it."""
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)


def spare_loopback(url: str) -> None:
    """Keep what goes to a server on this machine from proxies, as Prefect's clients ask the environment."""
    host = urlsplit(url).hostname or ""
    if not is_loopback(host):
        return
    said = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))  # where both are set the first counts
    spared = [part.strip() for part in said.split(",") if part.strip()]
    if "*" not in spared:
        whole = ",".join(dict.fromkeys([*spared, *LOOPBACK, host]))
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = whole


def api_url() -> str | None:
    """Find the Prefect API that the environment or the user's profile names, without Prefect."""
    if url := os.environ.get("PREFECT_API_URL"):
        return url.rstrip("/")
    directory = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    file = Path(os.environ.get("PREFECT_PROFILES_PATH") or directory / "profiles.toml").expanduser()
    try:
        written = tomllib.loads(file.read_text())
    except (OSError, ValueError):
        return None
    profile = os.environ.get("PREFECT_PROFILE") or written.get("active")
    url = written.get("profiles", {}).get(profile, {}).get("PREFECT_API_URL")
    return str(url).rstrip("/") if url else None
