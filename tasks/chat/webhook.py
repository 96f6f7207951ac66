"""A webhook: bodies are signed as Standard Webhooks are (standardwebhooks.com), and posted once."""

import asyncio
import base64
import hashlib
import hmac
import os
import time
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import httpx

from docmill.schemas.endpoint import is_loopback
from docmill.schemas.errors import ConfigError
from docmill.tasks.chat.environment import HOSTS, allowed_hosts, host_of
from docmill.tasks.chat.http_client import new_client, why

SECRET = "DOCMILL_NOTIFY_SECRET"  # noqa: S105 - the variable's name
TIMEOUT_S = 10.0  # of each act, such as to connect, or the wait for more
MOST_S = 30.0  # of a whole request
MOST_READ_BYTES = 100_000  # of an answer's body, which says nothing to us
LATER = (408, 425, 429)  # and every 5xx: the same request may be taken later
CLOSED = (401, 404, 405, 410)  # and every 3xx: no other request is taken there either
Taken = Literal["taken", "later", "refused", "closed"]


@dataclass(frozen=True)
class Answer:
    """Whether a request was taken, and our own sentence where it was not; the server's words are not kept.

    `refused` is this request alone, `closed` whatever is posted.
    """

    taken: Taken
    said: str = ""


class Webhook:
    """A URL and its secret, with a client of its own; `close` ends it."""

    def __init__(self, url: str) -> None:
        """Raises ConfigError as `secret_for` does."""
        self.host = host_of(url)
        self._url, self._secret = url, secret_for(url)
        self._client = new_client(url, None, 1)

    async def post(self, id_: str, body: bytes) -> Answer:
        """Post a body under an id, signed with the time; never raises for what a server does."""
        headers = signed(self._secret, id_, int(time.time()), body)
        try:
            async with asyncio.timeout(MOST_S):
                return await self._posted(body, headers)
        except TimeoutError:
            return Answer("later", f"{self.host} takes longer than {MOST_S:.0f} s to answer")
        except httpx.HTTPError as error:
            return Answer("later", f"{self.host} cannot be reached: {why(error)}")
        except (httpx.InvalidURL, ValueError):
            return Answer("closed", "notify.url is no URL that can be posted to")

    async def _posted(self, body: bytes, headers: dict[str, str]) -> Answer:
        posting = self._client.stream("POST", self._url, content=body, headers=headers, timeout=TIMEOUT_S)
        async with posting as answer:
            room = MOST_READ_BYTES  # what is read to its end leaves the connection to the next request
            async for part in answer.aiter_raw():
                room -= len(part)
                if room < 0:
                    break
        return Answer("taken") if answer.is_success else self._untaken(answer)

    def _untaken(self, answer: httpx.Response) -> Answer:
        said = f"{self.host} answers {answer.status_code}"
        if answer.status_code in LATER or answer.is_server_error:
            return Answer("later", said)
        unfit = answer.is_client_error and answer.status_code not in CLOSED
        return Answer("refused" if unfit else "closed", said)

    async def close(self) -> None:
        """Let its connection go."""
        await self._client.aclose()


def secret_for(url: str) -> bytes:
    """Give what signs the bodies that are posted to a URL.

    Raises ConfigError for a host that is not allowed, http off this machine, a user in the URL, and a
    missing secret.
    """
    try:
        named = urlsplit(url)
        host, known = host_of(url), named.port != 0
    except ValueError:  # its text may hold a part of a password
        raise ConfigError("notify.url: is no URL that can be posted to") from None
    hosts, secret = allowed_hosts(), os.environ.get(SECRET)
    if named.username is not None or named.password is not None:
        raise ConfigError("notify.url: must hold no user and no password: requests are signed")
    if hosts is not None and host not in hosts:
        raise ConfigError(f"notify.url: {HOSTS} does not hold {host}: add it there")
    is_safe = named.scheme == "https" or (named.scheme == "http" and is_loopback(host))
    if not host or not known or not is_safe:
        raise ConfigError("notify.url: must be https:// and name a host: what is posted holds records")
    if not secret:
        raise ConfigError(f"notify: {SECRET} is not set: it signs what is posted. export {SECRET}=…")
    return os.fsencode(secret)  # as it stands, whatever its encoding


def signed(secret: bytes, id_: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Give the headers of a body: HMAC-SHA256 over its id, the time in seconds, and the body."""
    content = f"{id_}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    return {"webhook-id": id_, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{digest}"}
