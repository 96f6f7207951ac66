"""Serves the page of a review on this machine: to whoever has its one link, and to no other page."""

import json
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from docmill.flows.review.deciding import VERDICTS, Person, Said, decide
from docmill.flows.review.documents import Documents
from docmill.flows.review.page import listed, shell, told
from docmill.flows.review.pages import drawn
from docmill.flows.review.review import Review
from docmill.schemas.errors import ConfigError, DocmillError
from docmill.tasks.checks.jsontext import parse

LOOPBACK = "127.0.0.1"
MOST_BYTES = 4_000_000
MOST_DIGITS = 6  # of a page's number
TIMEOUT_S = 30


class ReviewServer(ThreadingHTTPServer):
    """A review on a free port of loopback; `link` opens it, once."""

    daemon_threads = True

    def __init__(self, review: Review, texts: Documents, by: str) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.review = review
        self.texts = texts
        self.by = by
        self.one = threading.Lock()  # decisions come one after the other
        self.page, self.policy = shell(review.name)
        self.session = secrets.token_urlsafe(32)
        self._token: str | None = secrets.token_urlsafe(32)

    @property
    def origin(self) -> str:
        """What the page's own requests come from."""
        return f"http://{LOOPBACK}:{self.server_port}"

    @property
    def link(self) -> str:
        """The address that opens the page."""
        return f"{self.origin}/?token={self._token}"

    @property
    def cookie(self) -> str:
        """The name of the cookie: cookies know no ports."""
        return f"docmill_review_{self.server_port}"

    def spend(self, token: str) -> bool:
        """Say whether this is the token, which then is none any more."""
        with self.one:
            is_right = self._token is not None and compare_digest(token.encode(), self._token.encode())
            self._token = None if is_right else self._token
        return is_right

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away."""


class _Handler(BaseHTTPRequestHandler):
    """One request of the page; what is answered holds no more than the page shows."""

    server: ReviewServer
    protocol_version = "HTTP/1.1"
    server_version = "docmill"
    sys_version = ""
    timeout = TIMEOUT_S

    def do_GET(self) -> None:
        """Give the page, what waits, or a document."""
        asked = urlsplit(self.path)
        query = parse_qs(asked.query)
        if not self._is_for_here():
            return
        if asked.path == "/" and (token := query.get("token")):
            self._enter(token[0])
        elif not self._is_known():
            self._refuse(HTTPStatus.FORBIDDEN, "this link was used already: start docmill review anew")
        elif asked.path == "/":
            self._send(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")
        elif asked.path == "/waiting":
            self._answer(lambda: {"documents": listed(self.server.review.waiting())})
        elif asked.path == "/document":
            self._answer(lambda: self._document(query.get("id", [""])[0]))
        elif asked.path == "/page":
            self._answer(lambda: self._page(query.get("id", [""])[0], query.get("number", [""])[0]))
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def do_POST(self) -> None:
        """Decide, or take back what was decided last."""
        if not self._is_for_here():
            return
        if not self._is_known() or self.headers.get("Origin") != self.server.origin:
            self._refuse(HTTPStatus.FORBIDDEN, "not from this page")
            return
        acts = {"/decide": self._decide, "/undo": self._undo}
        if (act := acts.get(self.path)) is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
            return
        if self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "must be application/json")
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"longer than {MOST_BYTES:,} bytes")
            return
        body = self.rfile.read(int(length))
        with self.server.one:
            self._answer(lambda: act(_object(body)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Write no line a request."""

    def _is_for_here(self) -> bool:
        """Refuse what was sent to another name: a page whose name was turned to this machine."""
        if f"http://{self.headers.get('Host')}" == self.server.origin:
            return True
        self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "not for this server")
        return False

    def _is_known(self) -> bool:
        # Not http.cookies, which stops at the first cookie of another program that it cannot read.
        pairs = (each.strip().partition("=") for each in self.headers.get("Cookie", "").split(";"))
        own, session = self.server.cookie, self.server.session.encode()
        return any(name == own and compare_digest(value.encode(), session) for name, _, value in pairs)

    def _enter(self, token: str) -> None:
        """Take the token for a cookie, so that it stays in no history."""
        if not self.server.spend(token) and not self._is_known():
            self._refuse(HTTPStatus.FORBIDDEN, "this link was used already: start docmill review anew")
            return
        cookie = f"{self.server.cookie}={self.server.session}; HttpOnly; SameSite=Strict; Path=/"
        self._send(HTTPStatus.SEE_OTHER, b"", "text/plain", {"Location": "/", "Set-Cookie": cookie})

    def _document(self, document_id: str) -> dict[str, Any]:
        return told(self.server.review.case(document_id), self.server.texts)

    def _page(self, document_id: str, number: str) -> dict[str, Any]:
        """Draw a page of a document."""
        if not number.isdecimal() or len(number) > MOST_DIGITS:
            raise ConfigError(f"number: {number!r} is no page")
        return drawn(self.server.review.case(document_id), self.server.texts, int(number))

    def _decide(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Decide; what ends a document is asked back first, unless the page says that it was."""
        review, person = self.server.review, Person(self.server.by, datetime.now(UTC))
        case = review.case(_text(asked, "document"))
        if asked.get("content") != case.row["content_sha256"]:
            raise ConfigError(f"{case.document_id} has another content by now: open it again")
        said = _said(asked)
        end = case.with_decisions(decide(case, said, person)).end
        if end and asked.get("confirmed") is not True:
            return {"confirm": end}
        [decided] = review.decide({case.document_id: said}, person)
        return {"waiting": decided.is_waiting, "status": decided.status}

    def _undo(self, asked: dict[str, Any]) -> dict[str, Any]:
        review = self.server.review
        case = review.case(_text(asked, "document"))
        if not case.holding.decisions:
            raise ConfigError("nothing of this document to undo")
        review.take_back(case.holding.decisions[-1], Person(self.server.by, datetime.now(UTC)))
        return {"waiting": True, "status": "review"}

    def _answer(self, make: Callable[[], dict[str, Any]]) -> None:
        try:
            status, value = HTTPStatus.OK, make()
        except DocmillError as error:
            status, value = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        self._send(status, json.dumps(value).encode(), "application/json")

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        """Refuse a request; what is left of it is not read."""
        self.close_connection = True
        self._send(status, f"{why}\n".encode(), "text/plain; charset=utf-8")

    def _send(self, status: HTTPStatus, body: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": self.server.policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-store",
        }
        if self.close_connection:
            headers["Connection"] = "close"
        for name, value in (headers | (more or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = parse(body.decode())
    except ValueError as error:
        raise ConfigError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ConfigError("must be an object")
    return value


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise ConfigError(f"{name}: must be a text")
    return value


def _said(asked: dict[str, Any]) -> list[Said]:
    """Read what a person says; items to add to a list come as a list."""
    verdict: Any = _text(asked, "verdict")
    if verdict not in VERDICTS:
        raise ConfigError(f"verdict: must be one of {', '.join(VERDICTS)}")
    note, name = _text(asked, "note"), _text(asked, "name")
    if verdict == "reject":
        return [Said("reject", note=note)]
    if verdict == "accept":
        return [Said("accept", name, note=note, seen=_text(asked, "seen"))]
    texts = [_text(asked, "text")]
    if asked.get("adds") is True:
        texts, name = _items(texts[0]), f"{name}/-"
    return [Said("correct", name, text=each, note=note) for each in texts]


def _items(text: str) -> list[str]:
    try:
        value = parse(text)
    except ValueError as error:
        raise ConfigError(f"items to add have to be JSON: {error}") from None
    return [json.dumps(each, ensure_ascii=False) for each in (value if isinstance(value, list) else [value])]
