"""The one place that talks HTTP: a request's bytes out, a reply's bytes in, or an error of the tree."""

import asyncio
import json
import math
import re
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from types import TracebackType

import httpx

from docmill.schemas.endpoint import Endpoint
from docmill.schemas.errors import ChatError, Fatal, MaybeBilled, Transient
from docmill.tasks.chat.encoding import decoded
from docmill.tasks.chat.environment import endpoint_key, require_allowed
from docmill.tasks.chat.errors import NO_MODEL_REMEDY, redacted, refusal, without_answer
from docmill.tasks.chat.http_client import new_client, why, written_host
from docmill.tasks.chat.redaction import Told, redaction_of
from docmill.tasks.chat.streaming import StreamedReply
from docmill.tasks.checks.request import parsed

COMPLETIONS = "/chat/completions"
CALLS_PER_CLIENT = 8  # httpx's pool costs more CPU the more connections it holds
CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 30.0
CHUNK_TIMEOUT_S = 120.0  # between two chunks of a stream
END_TIMEOUT_S = 0.5  # from a stream's last event to the end of its response
LARGEST_REPLY_BYTES = 16_000_000
LONGEST_ON_LOOP_BYTES = 1_000_000  # which takes some 10 ms to look for the key in
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
LONGEST_FIELD_BYTES = 8
EVENT = re.compile(rb"(?:\xef\xbb\xbf)?(?:(?:data|event|id|retry) ?:|:)")
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
        self._base_url = endpoint.base_url.rstrip("/")
        self._timeout_s = endpoint.timeout_s
        require_allowed(endpoint)
        self.secret = endpoint_key(endpoint)
        self._redaction = redaction_of(self.secret)
        self._key_named = (
            f"The key is the one in {endpoint.api_key_env}."
            if endpoint.api_key_env
            else "No key was sent: name its variable by api_key_env; of --endpoint URL it is DOCMILL_API_KEY."
        )
        count = math.ceil(concurrency / CALLS_PER_CLIENT)
        self._clients = [
            _Client(new_client(self._base_url, self.secret, CALLS_PER_CLIENT)) for _ in range(count)
        ]

    async def post(
        self,
        body: bytes,
        *,
        stream: bool = False,
        tell: Callable[[str], None] = lambda _: None,
        heard: Callable[[Mapping[str, str]], None] = lambda _: None,
    ) -> bytes:
        """Send a body once and give the bytes of a reply with status 200, without the key.

        `stream` says that the body asks for a stream: it is given as the whole reply that it makes,
        and `tell` is told its texts as they come. `heard` takes the answer's headers.

        Raises what the answer means (see `refusal`); Transient where nothing was sent, MaybeBilled where
        the reply was lost after sending.
        """
        return await self._asked("POST", COMPLETIONS, body, stream, tell, heard)

    async def models(self) -> list[str]:
        """List the models that the endpoint says it serves; raises what its answer means."""
        content = await self._asked("GET", "/models", b"", False, lambda _: None, lambda _: None)
        try:
            listed = json.loads(content)["data"]
            return [str(model["id"]) for model in listed]
        except (ValueError, RecursionError, LookupError, TypeError):
            raise without_answer(content, self.secret) from None

    async def _asked(
        self,
        method: str,
        path: str,
        body: bytes,
        stream: bool,
        tell: Callable[[str], None],
        heard: Callable[[Mapping[str, str]], None],
    ) -> bytes:
        client = min(self._clients, key=lambda client: client.in_flight)
        client.in_flight += 1
        try:
            answer = await self._answer(client.http, method, path, body, stream, tell)
        finally:
            client.in_flight -= 1
        if isinstance(answer, ChatError):
            raise self.named(answer, body)
        response, content = answer
        heard(response.headers)
        if response.status_code == 200:
            return await self._without_key(content)
        raise self.named(refusal(response.status_code, response.headers, content, self.secret), body)

    def named(self, error: ChatError, body: bytes) -> ChatError:
        """Name the key's variable and the model where the refusal of a body is about one of them."""
        if error.status in (401, 403):
            error.remedy += f" {self._key_named}"
        model = parsed(body).get("model") if body else None
        if model and (error.status in (403, 404) or error.remedy == NO_MODEL_REMEDY):
            error.remedy += f" The model asked for is {model!r}, at {self._base_url}."
        return error

    async def _answer(
        self,
        http: httpx.AsyncClient,
        method: str,
        path: str,
        body: bytes,
        stream: bool,
        tell: Callable[[str], None],
    ) -> tuple[httpx.Response, bytes] | ChatError:
        """Give what came back. An error is returned: raised here it would keep httpx's, and so the key."""
        silence_s = min(CHUNK_TIMEOUT_S, self._timeout_s) if stream else self._timeout_s
        timeout = httpx.Timeout(silence_s, connect=CONNECT_TIMEOUT_S, write=WRITE_TIMEOUT_S, pool=None)
        kind = "text/event-stream" if stream else "application/json"
        accept = {"Accept": kind, "Accept-Encoding": "identity"}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                http.stream(
                    method, self._base_url + path, content=body, headers=accept, timeout=timeout
                ) as response,
            ):
                parts = decoded(response)
                if response.status_code == 200:
                    return response, await self._reply(response, parts, tell)
                return response, await _whole(parts)
        except ChatError as error:
            return copy(error)
        except TimeoutError:
            return MaybeBilled(f"no whole reply within {self._timeout_s:g} s")
        except httpx.ReadTimeout:
            return MaybeBilled(f"the server sent nothing for {silence_s:g} s")
        except UNSENT as error:
            return Transient(f"no connection to the server {written_host(self._base_url)}: {why(error)}")
        except UNSENDABLE as error:
            return Fatal(f"the request cannot be sent: {type(error).__name__}", remedy="Check base_url.")
        except httpx.HTTPError as error:
            return MaybeBilled(f"the connection broke after sending: {type(error).__name__}")

    async def _reply(
        self, response: httpx.Response, parts: AsyncIterator[bytes], tell: Callable[[str], None]
    ) -> bytes:
        """Give the reply in one piece: what it begins with says whether it is a stream, asked for or not."""
        begun, read = b"", 0
        async for part in parts:
            read += len(part)
            _require_bounded(read)
            begun = (begun + part).lstrip()  # blanks keep a connection open while a model thinks
            if len(begun) >= LONGEST_FIELD_BYTES:
                break
        kind = response.headers.get("content-type", "").lower()
        is_json = begun.removeprefix(BOM_UTF8).startswith((b"{", b"["))
        if EVENT.match(begun) or (kind.startswith("text/event-stream") and not is_json):
            return await self._assembled(begun, parts, tell)
        return await _whole(parts, begun)

    async def _assembled(
        self, begun: bytes, parts: AsyncIterator[bytes], tell: Callable[[str], None]
    ) -> bytes:
        reply, told, part = StreamedReply(), Told(self._redaction, tell), begun
        while part:
            for text in reply.feed(part):
                told.take(text)
            if reply.ended:
                # HTTP's own end comes behind: a connection is kept only where it was read too.
                with suppress(TimeoutError, httpx.HTTPError):
                    async with asyncio.timeout(END_TIMEOUT_S):
                        await anext(parts, None)
                break
            part = await anext(parts, b"")
        told.end()
        body = reply.body()
        if reply.broke_off:
            raise without_answer(body, self.secret, begun=True)
        return body

    async def _without_key(self, content: bytes) -> bytes:
        if len(content) > LONGEST_ON_LOOP_BYTES:
            return await asyncio.to_thread(self._redaction.reply, content)
        return self._redaction.reply(content)

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


async def _whole(parts: AsyncIterator[bytes], begun: bytes = b"") -> bytes:
    content = bytearray(begun)
    async for part in parts:
        content += part
        _require_bounded(len(content))
    return bytes(content)


def _require_bounded(size: int) -> None:
    if size > LARGEST_REPLY_BYTES:
        raise MaybeBilled(f"the reply is larger than {LARGEST_REPLY_BYTES:,} bytes")
