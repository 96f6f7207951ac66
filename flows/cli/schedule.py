"""Schedules as prefect.yaml writes them, checked as Prefect checks them and without its import."""

import re
import sys
from datetime import datetime
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from docmill.flows.cli.deployments import flow
from docmill.schemas.errors import ConfigError

UNITS = {"m": "PT{}M", "h": "PT{}H", "d": "P{}D"}
CRONITER = Path("_vendor/croniter/__init__.py")  # of Prefect


def cron_schedule(cron: str, timezone: str | None) -> CommentedMap:
    """Make a schedule of a cron expression; raises ConfigError where Prefect would refuse it."""
    random = any(part in ("r", "h") for part in cron.casefold().split())
    if random or not _croniter().is_valid(cron):
        raise ConfigError(
            f"--cron: {cron!r} is no cron expression: minute, hour, day of the month, month and day of the "
            'week, such as "30 2 * * 1-5" or "@daily"'
        )
    return flow(cron=DoubleQuotedScalarString(cron), timezone=_zone(timezone).key)


def interval_schedule(every: str, timezone: str | None) -> CommentedMap:
    """Make a schedule that returns, counted from a midnight of the time zone.

    Raises ConfigError where it is no number of minutes, hours or days.
    """
    found = re.fullmatch(r"([1-9]\d{0,4})([mhd])", every)
    if not found:
        raise ConfigError(
            f"--every: must be a number of minutes, hours or days, such as 30m, 6h or 1d, not {every!r}"
        )
    zone = _zone(timezone)
    midnight = datetime(2026, 1, 1, tzinfo=zone).isoformat()
    return flow(
        interval=UNITS[found[2]].format(found[1]),
        anchor_date=DoubleQuotedScalarString(midnight),
        timezone=zone.key,
    )


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"--timezone: there is no time zone {name!r}: such as Europe/Berlin or UTC"
        ) from None


def _croniter() -> Any:
    """Load the module by which Prefect reads cron expressions from its file: Prefect takes seconds."""
    prefect = find_spec("prefect")
    assert prefect is not None
    assert prefect.origin is not None
    file = Path(prefect.origin).parent / CRONITER
    spec = spec_from_file_location("docmill_croniter", file, submodule_search_locations=[str(file.parent)])
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.croniter
