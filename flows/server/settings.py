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
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "5000",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1.0",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "5000",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
DATABASE_URL = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
# Prefect inserts as many rows at once as have come, so each of its statements is another one. Python keeps
# the last 128 of a connection prepared: the server would grow by some 10 kB a task run.
KEPT_STATEMENTS = 16
# Where Prefect's own value stands on a server, nobody has given it docmill's or another.
DEFAULTS = {
    "server.services.task_run_recorder.batch_size": 1,
    "server.services.event_persister.batch_size": 20,
    "server.concurrency.lease_storage": "prefect.server.concurrency.lease_storage.memory",
}
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def apply() -> None:
    """Set what is unset of these in the environment, where Prefect reads it."""
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)


def database(home: Path) -> dict[str, str]:
    """Name the database of docmill's own server: Prefect's own SQLite file, unless one is configured."""
    parts = ("CONNECTION_URL", "DRIVER", "HOST", "NAME", "USER", "PASSWORD")
    names = (f"PREFECT_{of}_DATABASE_{part}" for of in ("API", "SERVER") for part in parts)
    if any(map(configured, names)) or "?" in str(home):  # which would begin the URL's query
        return {}
    return {DATABASE_URL: f"sqlite+aiosqlite:///{home}/prefect.db?cached_statements={KEPT_STATEMENTS}"}


def left_at_default(settings: object) -> list[str]:
    """Name the variables that a server, whose settings these are, was started without; none if unknown."""
    names = []
    for path, default in DEFAULTS.items():
        value = settings
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value == default:
            names.append("PREFECT_" + path.replace(".", "_").upper())
    return names


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
    url = configured("PREFECT_API_URL")
    return url.rstrip("/") if url else None


def configured(name: str) -> str | None:
    """Find a setting of Prefect's in the environment or the user's profile, without Prefect."""
    if value := os.environ.get(name):
        return value
    directory = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    file = Path(os.environ.get("PREFECT_PROFILES_PATH") or directory / "profiles.toml").expanduser()
    try:
        written = tomllib.loads(file.read_text())
    except (OSError, ValueError):
        return None
    profile = os.environ.get("PREFECT_PROFILE") or written.get("active")
    value = written.get("profiles", {}).get(profile, {}).get(name)
    return str(value) if value else None
