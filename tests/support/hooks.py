"""A real receiver of webhooks on loopback, which checks signatures and can misbehave."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

SECRET = "a-secret-of-the-tests"


class Receiver:
    """Takes what is posted; `answers` are the statuses of the next requests, 204 once they are used up.

    A request with a document of `unfit` is answered 422.
    """

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.unfit: set[str] = set()
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
        status = self.answers.pop(0) if self.answers else 204
        notices = json.loads(body)["notices"]
        if self.unfit & {notice["document_id"] for notice in notices}:
            return 422
        if status == 204:
            self.taken += notices
        return status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(receiver._take(self.headers, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

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
