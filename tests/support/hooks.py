"""A real receiver of webhooks on loopback, which checks signatures and can misbehave."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

SECRET = "a-secret-of-the-tests"


class Receiver:
    """Takes what is posted; `answers` are the statuses of the next requests, 200 once they are used up.

    A request with a document of `unfit` is answered 422. `endless` answers go on until they are hung up on,
    byte by byte where there is a pause between these.
    """

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.unfit: set[str] = set()
        self.endless = False
        self.pause_s: float | None = None
        self.connections = 0
        self.ids: list[str] = []
        self.taken: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def _take(self, headers: Any, body: bytes) -> int:
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = base64.b64encode(hmac.new(SECRET.encode(), content, hashlib.sha256).digest()).decode()
        if headers["webhook-signature"] != f"v1,{digest}":
            return 401
        self.ids.append(headers["webhook-id"])
        status = self.answers.pop(0) if self.answers else 200
        notices = json.loads(body)["notices"]
        if self.unfit & {notice["document_id"] for notice in notices}:
            return 422
        if status == 200:
            self.taken += notices
        return status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                receiver.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver._take(self.headers, body))
                self.send_header("Content-Length", str(2**40 if receiver.endless else 3))
                self.end_headers()
                with suppress(ConnectionError):
                    self.wfile.write(b"ok\n")
                    while receiver.endless:
                        self.wfile.write(b"\0" if receiver.pause_s else b"\0" * 100_000)
                        time.sleep(receiver.pause_s or 0)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Receive as long as the test runs; the secret is in the environment."""
    monkeypatch.setenv("DOCMILL_NOTIFY_SECRET", SECRET)
    monkeypatch.setenv("DOCMILL_RETRY_SCALE", "0.01")
    found = Receiver()
    yield found
    found.close()
