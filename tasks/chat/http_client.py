"""An endpoint's HTTP client: its key and certificates, no proxy for this machine, no heads in the log."""

import logging
import os
import ssl
from functools import lru_cache

import httpx

from docmill.schemas.endpoint import is_loopback
from docmill.tasks.chat.environment import host_of


class _WithoutHead(logging.Filter):
    """Keeps the heads of answers out of the log: a server may send the key back in a header or a reason."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        return not said.startswith(("receive_response_headers.complete", "HTTP Request:"))


for _name in ("httpcore.http11", "httpx"):
    logging.getLogger(_name).addFilter(_WithoutHead())


def new_client(base_url: str, secret: str | None, connections: int) -> httpx.AsyncClient:
    """Make a client that sends the key as a bearer token and keeps so many connections open."""
    headers = {"Content-Type": "application/json"}
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    return httpx.AsyncClient(
        headers=headers,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=connections),
        follow_redirects=False,
        verify=_trusted(),
        # Plain http is taken for this machine as it does not leave it: no proxy may carry it away.
        trust_env=not is_loopback(host_of(base_url)),
    )


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Load the trusted certificates once: it takes 30 ms."""
    return httpx.create_ssl_context()


def written_host(url: str) -> str:
    """Give a URL's host, with its port where one is written."""
    return httpx.URL(url).netloc.decode()


def why(error: BaseException) -> str:
    """Say in the system's words why there is no connection, else by the error's kind."""
    kind, cause = type(error).__name__, error.__cause__ or error.__context__
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return str(getattr(cause, "verify_message", None) or cause.reason or kind)
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)  # DNS's are negative
        cause = cause.__cause__ or cause.__context__
    return kind
