"""A provider on loopback that answers from a table, for the tests of flows that use docmill.

It is a real HTTP server in a thread, so tests may be sync or async. No key is sent to it.
"""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pydantic import PrivateAttr

from docmill.flows.api.answering import Answers, Reply, Request, error, replied
from docmill.schemas.endpoint import Endpoint, Prices

LOOPBACK = "127.0.0.1"
PATH = "/v1/chat/completions"
FREE = Prices(input=Decimal(0), output=Decimal(0))


class TestEndpoint(Endpoint):
    """The endpoint of a test's provider, and the `requests` that it has had, in their order."""

    __test__ = False  # pytest collects what is named so

    _requests: list[Request] = PrivateAttr(default_factory=list)

    @property
    def requests(self) -> list[Request]:
        """The requests so far: each with `body` (its JSON), `text` (of its messages) and `headers`."""
        return self._requests


@contextmanager
def provider(table: Mapping[str, Answers], **settings: Any) -> Iterator[TestEndpoint]:
    """Serve on a free port of loopback until the block ends; gives the endpoint for `docmill.session`.

    Args:
        table: Text to answer: the first text that stands in the request's messages decides; "" is in
            every request. An answer is a text (of a summary, a reply, or a label), a dict (the record,
            or the arguments of the tool; `{"name": …, "arguments": {…}}` chooses the tool), a status
            such as 503, or a function of the request that gives one of these. Of a list of answers the
            first that fits is taken: the text where text is asked for, the label where one is chosen,
            the dict where a record is.
        settings: Further settings of the `Endpoint`, such as `structured_output="json_schema"`.

    Every choice of `n` is the same; a stream comes as events. A request that no text stands in gets
    status 400. What a function of the table raises is raised again at the end of the block.

    >>> with docmill.testing.provider({"318.40": ["A bill.", "invoice", {"total": 318.4}]}) as endpoint:
    ...     async with docmill.session(endpoint=endpoint, model="m"):
    ...         await docmill.classify("Total due: 318.40 EUR", ["invoice", "other"])
    ...     len(endpoint.requests)
    'invoice'
    1

    """
    server = _Server(table)
    port = server.server_address[1]
    endpoint = TestEndpoint(base_url=f"http://{LOOPBACK}:{port}/v1", **{"prices": FREE, **settings})
    server.requests = endpoint.requests
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="docmill-provider", daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.hang_up()
        server.server_close()
        thread.join()
    if server.failures:
        raise server.failures[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, table: Mapping[str, Answers]) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.table = table
        self.requests: list[Request] = []
        self.failures: list[Exception] = []
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Keep the connection, so that it can be ended while its client holds it open."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that has ended."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End all connections: their threads wait for requests that will not come."""
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def reply(self, path: str, request: Request) -> Reply:
        """Note a request and answer it; a failure of the table's own function is a 500."""
        if path != PATH:
            return error(404, f"there is no {path} here: base_url ends with /v1")
        self.requests.append(request)
        try:
            return replied(request, self.table)
        except Exception as failure:  # noqa: BLE001  a test's own function: the block's end raises it
            self.failures.append(failure)
            return error(500, f"the test's own table failed: {failure!r}")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer a request."""
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(headers=headers, content=content)
        reply = self.server.reply(self.path, request)
        streamed = reply.status == 200 and request.body.get("stream") is True
        body = _events(reply.value) if streamed else json.dumps(reply.value).encode()
        self.send_response(reply.status)
        self.send_header("content-type", "text/event-stream" if streamed else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: a test has its own output."""


def _events(value: dict[str, Any]) -> bytes:
    """Write a reply as the events of a stream: its choices, then its usage."""
    head = {name: value[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    choices = [
        {"index": each["index"], "delta": each["message"], "finish_reason": each["finish_reason"]}
        for each in value["choices"]
    ]
    chunks = [{**head, "choices": choices}, {**head, "choices": [], "usage": value["usage"]}]
    return "".join(f"data: {text}\n\n" for text in (*map(json.dumps, chunks), "[DONE]")).encode()
