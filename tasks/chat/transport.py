"""The one place that talks HTTP: a request's bytes out, a reply's bytes in, or an error of the tree."""

import asyncio
import math
import os
import re
import ssl
from dataclasses import dataclass
from functools import lru_cache
from types import TracebackType

import httpx

from schemas.endpoint import Endpoint
from schemas.errors import ChatError, ConfigError, Fatal, MaybeBilled, Transient
from tasks.chat.environment import require_allowed
from tasks.chat.errors import redacted, refusal

CALLS_PER_CLIENT = 8  # httpx's pool costs more CPU the more connections it holds
CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 30.0
LARGEST_REPLY_BYTES = 16_000_000
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
SENDABLE = re.compile("[!-~]+")  # a header's value, RFC 9110, 5.5
UNSENDABLE = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL)


@dataclass
class _Client:
    http: httpx.AsyncClient
    in_flight: int = 0


class Transport:
    """Sends bodies to an endpoint over as many HTTP clients as its concurrency needs.

    Raises ConfigError where DOCMILL_HOSTS does not allow the endpoint, and where it names a key that the
    environment does not hold. The key is read here and kept nowhere else.
    """

    def __init__(self, endpoint: Endpoint, concurrency: int) -> None:
        self._url = endpoint.base_url.rstrip("/") + "/chat/completions"
        self._timeout_s = endpoint.timeout_s
        require_allowed(endpoint)
        self.secret = endpoint_key(endpoint)
        count = math.ceil(concurrency / CALLS_PER_CLIENT)
        self._clients = [_Client(self._http()) for _ in range(count)]

    async def post(self, body: bytes) -> bytes:
        """Send a body once and give the bytes of a reply with status 200.

        Raises what the answer means (see `refusal`); Transient where nothing was sent, MaybeBilled
        where the reply was lost after sending.
        """
        client = min(self._clients, key=lambda client: client.in_flight)
        client.in_flight += 1
        try:
            answer = await self._answer(client.http, body)
        finally:
            client.in_flight -= 1
        if isinstance(answer, ChatError):
            raise answer
        response, content = answer
        if response.status_code == 200:
            return content
        raise refusal(response.status_code, response.headers, content, self.secret)

    async def _answer(self, http: httpx.AsyncClient, body: bytes) -> tuple[httpx.Response, bytes] | ChatError:
        """Give what came back. An error is returned: raised here it would keep httpx's, and so the key."""
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                http.stream("POST", self._url, content=body) as response,
            ):
                content = bytearray()
                async for part in response.aiter_bytes():
                    content += part
                    if len(content) > LARGEST_REPLY_BYTES:
                        return MaybeBilled(f"the reply is larger than {LARGEST_REPLY_BYTES:,} bytes")
                return response, bytes(content)
        except TimeoutError:
            return MaybeBilled(f"no whole reply within {self._timeout_s:g} s")
        except UNSENT as error:
            return Transient(f"no connection to the server: {type(error).__name__}")
        except UNSENDABLE as error:
            return Fatal(f"the request cannot be sent: {type(error).__name__}", remedy="Check base_url.")
        except httpx.HTTPError as error:
            return MaybeBilled(f"the connection broke after sending: {type(error).__name__}")

    def redacted(self, text: str) -> str:
        """Take the key out of a text of the server's."""
        return redacted(text, self.secret)

    async def __aenter__(self) -> "Transport":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients:
            await client.http.aclose()

    def _http(self) -> httpx.AsyncClient:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.secret:
            headers["Authorization"] = f"Bearer {self.secret}"
        timeout = httpx.Timeout(self._timeout_s, connect=CONNECT_TIMEOUT_S, write=WRITE_TIMEOUT_S, pool=None)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=CALLS_PER_CLIENT)
        return httpx.AsyncClient(
            headers=headers, timeout=timeout, limits=limits, follow_redirects=False, verify=_trusted()
        )


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Load the trusted certificates once: it takes 30 ms."""
    return httpx.create_ssl_context()


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
