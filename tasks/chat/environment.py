"""The endpoint and the model that the environment names."""

import os

from pydantic import ValidationError

from schemas.endpoint import BUILT_IN, Endpoint, Target, normalised
from schemas.errors import ConfigError

KEY_VARIABLE = "DOCMILL_API_KEY"


def endpoint_at(url: str, place: str) -> tuple[str, Endpoint]:
    """Name and make the endpoint at a URL that an option or the environment gives.

    It is sent DOCMILL_API_KEY where that is set; a built-in's URL takes that built-in's settings.
    """
    for name, built_in in BUILT_IN.items():
        if normalised(built_in.base_url) == normalised(url):
            return name, built_in
    key = KEY_VARIABLE if os.environ.get(KEY_VARIABLE) else None
    try:
        return normalised(url), Endpoint(base_url=url, api_key_env=key)
    except (ValidationError, ValueError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise ConfigError(f"{place}: {said}") from None


def environment_target() -> Target:
    """Give what `complete` asks outside of a session: DOCMILL_BASE_URL and DOCMILL_MODEL."""
    url, model = os.environ.get("DOCMILL_BASE_URL"), os.environ.get("DOCMILL_MODEL")
    if not url or not model:
        unset = [name for name, value in (("DOCMILL_BASE_URL", url), ("DOCMILL_MODEL", model)) if not value]
        raise ConfigError(f"complete() outside of a session needs {' and '.join(unset)} in the environment")
    name, endpoint = endpoint_at(url, "DOCMILL_BASE_URL")
    return Target(name=name, endpoint=endpoint, model=model, identity=normalised(url))
