"""One client's connection to the test provider: real HTTP, with full control over how it breaks off."""

import asyncio
import json
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Protocol

import h11

PHRASES = {status.value: status.phrase for status in HTTPStatus}
DOCUMENT = re.compile(r"<document>\n(.*?)\n</document>", re.DOTALL)


@dataclass(frozen=True)
class Request:
    """A request as it arrived: the `number`-th, from 1; `received` is time.monotonic()."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    client_port: int
    received: float = field(default_factory=time.monotonic)

    @cached_property
    def parsed(self) -> Any:
        """Give the body's JSON; ValueError where it is none."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """Join what the messages say."""
        return "\n".join(str(message.get("content") or "") for message in self.parsed["messages"])

    @property
    def document(self) -> str:
        """Give the document that its last question shows; empty where it shows none."""
        return next(reversed(DOCUMENT.findall(self.text)), "")


@dataclass(frozen=True)
class Reply:
    """What is written: status line and headers, then `parts`: bytes, or seconds to wait.

    `status` 0 sends no status line: the parts are written as they are, and the connection closes.
    With `hangs_up` it closes after the parts, before the message is complete.
    """

    status: int = 200
    parts: tuple[bytes | float, ...] = ()
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    hangs_up: bool = False


class Host(Protocol):
    """What a connection belongs to: it keeps the requests and chooses the replies."""

    requests: list[Request]

    def begin(self) -> None:
        """Note that a request is in flight."""

    def end(self) -> None:
        """Note that it no longer is."""

    async def answer(self, request: Request) -> Reply:
        """Give the reply, when it may be sent."""


class Connection:
    """One client's connection: requests are read and answered in turn until either side closes."""

    def __init__(self, host: Host, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        self._client_port: int = writer.get_extra_info("peername")[1]

    async def serve(self) -> None:
        """Serve until the connection ends."""
        try:
            while (request := await self._receive()) and await self._while_connected(request):
                self._http.start_next_cycle()
        except (ConnectionError, h11.RemoteProtocolError):
            pass  # the client went away
        finally:
            self._writer.close()

    async def _receive(self) -> Request | None:
        head: h11.Request | None = None
        body = b""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    await self._send(h11.InformationalResponse(status_code=100, headers=[]))
                self._http.receive_data(await self._reader.read(65536))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return self._record(head, body)
            else:
                return None

    def _record(self, head: h11.Request, body: bytes) -> Request:
        request = Request(
            number=len(self._host.requests) + 1,
            method=head.method.decode(),
            path=head.target.decode(),
            headers={name.decode(): value.decode("latin-1") for name, value in head.headers},
            body=body,
            client_port=self._client_port,
        )
        self._host.requests.append(request)
        return request

    async def _while_connected(self, request: Request) -> bool:
        """Answer, but stop when the client closes; tell whether another request may follow."""
        self._host.begin()
        answering = asyncio.ensure_future(self._answer(request))
        closing = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait((answering, closing), return_when=asyncio.FIRST_COMPLETED)
            if closing.done() and (early := closing.result()):
                self._http.receive_data(early)
                await answering
            return answering.done() and answering.result()
        finally:
            self._host.end()
            for waiting in (answering, closing):
                waiting.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await closing

    async def _answer(self, request: Request) -> bool:
        reply = await self._host.answer(request)
        if reply.status:
            await self._send(_head(reply, request.number))
        for part in reply.parts:
            if isinstance(part, float):
                await asyncio.sleep(part)
            elif reply.status:
                await self._send(h11.Data(data=part))
            else:
                await self._write(part)
        if reply.hangs_up or not reply.status:
            return False
        await self._send(h11.EndOfMessage())
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _send(self, event: h11.Event) -> None:
        await self._write(self._http.send(event) or b"")

    async def _write(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()


def _head(reply: Reply, number: int) -> h11.Response:
    headers = {"x-request-id": f"req_{number}", **reply.headers}
    sizes = [len(part) for part in reply.parts if isinstance(part, bytes)]
    if len(sizes) == len(reply.parts) and not reply.hangs_up:
        headers.setdefault("content-length", str(sum(sizes)))  # what is left open goes out in chunks
    phrase = PHRASES.get(reply.status, "Unnamed")
    return h11.Response(status_code=reply.status, headers=list(headers.items()), reason=phrase)
