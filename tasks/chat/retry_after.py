"""How long a server asks to wait."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TOLD = re.compile(
    r"(?:retryDelay\W{1,5}|(?:again|back|retry)(?: after| in) )(\d{1,6}(?:\.\d{1,9})?) ?(ms|s(?:ec)?)",
    re.IGNORECASE,
)


def seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Read retry-after-ms, else Retry-After as seconds or as a date (RFC 9110, 10.2.3), in seconds.

    None where there is none, or where it is no time to come: 0, negative, infinite, not a date.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    return _number(value) or _until(value, now or datetime.now(UTC))


def told(words: str) -> float | None:
    """Read out of an error's words how long to wait: Google's retryDelay, or `try again in 1.5s`."""
    found = TOLD.search(words)
    if found is None:
        return None
    number = _number(found[1])
    return number / 1000 if number and found[2] == "ms" else number


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None


def _until(value: str | None, now: datetime) -> float | None:
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, OverflowError):
        return None
    delay = (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
    return delay if delay > 0 else None
