"""`${NAME}` in what users write: the environment's values, but never a key."""

import os
import re
from urllib.parse import quote

from docmill.schemas.errors import ConfigError

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
KEY_ENDING = "_API_KEY"


def expanded(text: str, place: str, *, prefix: str = "", secret: str | None = None) -> str:
    """Put the environment's values in the place of `${NAME}`, percent-encoded where a URL needs it.

    `prefix` is what every name has to begin with, `secret` the variable of a key. Raises ConfigError
    for a name that is not set, or that may not stand there.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name.endswith(KEY_ENDING) or name == secret:
            raise ConfigError(f"{place}: ${{{name}}} is a key, which goes nowhere but into requests")
        if not name.startswith(prefix):
            raise ConfigError(f"{place}: ${{{name}}}: only variables that begin with {prefix} are taken here")
        if name not in os.environ:
            raise ConfigError(f"{place}: ${{{name}}} is not set in the environment")
        found = os.environ[name]
        return quote(found, safe="") if _delimited(text, match.start()) else found

    return VARIABLE.sub(value, text)


def _delimited(text: str, at: int) -> bool:
    """Say whether a place is in a URL's user, password or query, where a value could end them early."""
    begin = text.find("://") + 3
    authority = text[begin:].partition("/")[0] if begin > 2 else ""
    query = text.find("?")
    return begin <= at < begin + authority.rfind("@") or (begin > 2 and 0 <= query < at)
