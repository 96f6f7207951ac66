"""Prefect's settings that docmill needs, set before Prefect is imported."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def apply() -> None:
    """Set what `[tool.prefect]` of docmill's pyproject.toml says, where the environment does not."""
    for name, value in variables().items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DO_NOT_TRACK", "1")


def variables() -> dict[str, str]:
    """Give the table as environment variables of Prefect's."""
    table = tomllib.loads(PROJECT.read_text())["tool"]["prefect"]
    return dict(_flat("PREFECT", table))


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


def _flat(prefix: str, table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        name = f"{prefix}_{key.upper()}"
        if isinstance(value, dict):
            yield from _flat(name, value)
        else:
            yield name, str(value).lower() if isinstance(value, bool) else str(value)
