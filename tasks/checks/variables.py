"""`${NAME}` in what users write: the environment's values, but never a key."""

import os
import re

from schemas.errors import ConfigError

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
KEY_ENDING = "_API_KEY"


def expanded(text: str, place: str, *, prefix: str = "", secret: str | None = None) -> str:
    """Put the environment's values in the place of `${NAME}`.

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
        return os.environ[name]

    return VARIABLE.sub(value, text)
