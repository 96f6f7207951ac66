"""The endpoint and the model that the environment names."""

import os
import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from docmill.schemas.endpoint import BUILT_IN, LOCAL, Endpoint, Target, is_loopback, normalised
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.declared import faults
from docmill.tasks.checks.spelling import meant

KEY_VARIABLE = "DOCMILL_API_KEY"
HOSTS = "DOCMILL_HOSTS"
SENDABLE = re.compile("[!-~]+")  # a header's value, RFC 9110, 5.5


def endpoint_at(url: str, place: str) -> tuple[str, Endpoint]:
    """Name and make the endpoint at a URL that an option or the environment gives.

    It is sent DOCMILL_API_KEY where that is set; a built-in's URL takes that built-in's settings.
    """
    if "://" not in url:
        raise ConfigError(f"{place}: not a URL{meant(url, BUILT_IN)}")
    key = KEY_VARIABLE if os.environ.get(KEY_VARIABLE) else None
    endpoint = endpoint_of(place, base_url=url, api_key_env=key)
    for name, built_in in BUILT_IN.items():
        if normalised(built_in.base_url) == normalised(url):
            return name, built_in
    return normalised(url), endpoint


def endpoint_of(place: str, **values: Any) -> Endpoint:
    """Make an endpoint whose URL is known at run time alone; raises ConfigError, naming the place."""
    try:
        url = urlsplit(values["base_url"])
        known = bool(url.hostname) and url.port != 0
    except ValueError:  # its text may hold a part of a password
        known = False
    if not known:
        raise ConfigError(f"{place}: the URL names no host, or a port that is none")
    if url.username or url.password:
        raise ConfigError(f"{place}: the URL must hold no user and no password: a key goes by its variable")
    try:
        return Endpoint(**values)
    except ValidationError as error:
        raise ConfigError(f"{place}: {faults(error, values, Endpoint)[0][1]}") from None


def allowed_hosts() -> frozenset[str] | None:
    """List the only hosts that requests may go to; None where DOCMILL_HOSTS is not set, or empty."""
    said = os.environ.get(HOSTS, "")
    return frozenset(said.lower().replace(",", " ").split()) if said else None


def host_of(url: str) -> str:
    """Give a URL's host as DOCMILL_HOSTS writes it: in lower case, without a port."""
    return (urlsplit(url).hostname or "").lower()


def require_allowed(endpoint: Endpoint) -> None:
    """Raise ConfigError where DOCMILL_HOSTS does not hold the endpoint's host.

    The embedded model is docmill's own child on this machine, and is always allowed.
    """
    hosts, host = allowed_hosts(), host_of(endpoint.base_url)
    embedded = endpoint.api_key_env == LOCAL.api_key_env and is_loopback(host)
    if hosts is not None and host not in hosts and not embedded:
        named = ", ".join(sorted(hosts)) or "no host"
        raise ConfigError(f"{HOSTS} does not hold {host}: requests may go to {named} alone")


def environment_target() -> Target:
    """Give what `complete` asks outside of a session: DOCMILL_BASE_URL and DOCMILL_MODEL."""
    url, model = os.environ.get("DOCMILL_BASE_URL"), os.environ.get("DOCMILL_MODEL")
    if not url or not model:
        unset = [name for name, value in (("DOCMILL_BASE_URL", url), ("DOCMILL_MODEL", model)) if not value]
        raise ConfigError(f"complete() outside of a session needs {' and '.join(unset)} in the environment")
    name, endpoint = endpoint_at(url, "DOCMILL_BASE_URL")
    return Target(name=name, endpoint=endpoint, model=model, identity=normalised(url))


def endpoint_key(endpoint: Endpoint) -> str | None:
    """Read the key that an endpoint names from the environment; ConfigError where it is not set."""
    if endpoint.api_key_env is None:
        return None
    key = os.environ.get(endpoint.api_key_env)
    if not key:
        raise ConfigError(
            f"the endpoint {endpoint.base_url} needs a key and {endpoint.api_key_env} is not set: "
            f"export {endpoint.api_key_env}=…"
        )
    if not SENDABLE.fullmatch(key):
        raise ConfigError(
            f"{endpoint.api_key_env} holds a character that no key has, such as a space or a line's end: "
            "set it anew"
        )
    return key
