"""The page's server: one link, this machine, this page, and the same decisions as everywhere."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from docmill.flows.review.server import ReviewServer
from tests.support.documents import pdf
from tests.support.project import Project
from tests.support.reviewing import TEXT, Bills, served
from tests.support.scans import page as scan
from tests.support.scans import scanned

A, P = "in/a.txt", "in/p.txt"


class Page:
    """What a browser would send, header by header."""

    def __init__(self, server: ReviewServer, bills: Bills) -> None:
        self.server = server
        self.bills = bills
        self.cookie = ""

    def ask(self, path: str, body: Any = None, **headers: str | None) -> tuple[int, Any, dict[str, str]]:
        """Send a request; a header that is None is left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
        sent: dict[str, str | None] = {"Host": urlsplit(self.server.origin).netloc, "Cookie": self.cookie}
        if body is not None:
            sent |= {"Origin": self.server.origin, "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        text = body if isinstance(body, str | None) else json.dumps(body)
        connection.putrequest("GET" if body is None else "POST", path, skip_host=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        if text is not None and "Content_Length" not in headers:
            connection.putheader("Content-Length", str(len(text.encode())))
        connection.endheaders(text.encode() if text is not None else None)
        answer = connection.getresponse()
        content, told = answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        is_json = told["content-type"] == "application/json"
        return answer.status, json.loads(content) if is_json else content, told

    def enter(self) -> None:
        """Open the link."""
        status, _, headers = self.ask(urlsplit(self.server.link)._replace(scheme="", netloc="").geturl())
        assert (status, headers["location"]) == (303, "/")
        assert "HttpOnly; SameSite=Strict" in headers["set-cookie"]
        self.cookie = headers["set-cookie"].partition(";")[0]

    def decide(self, verdict: str, **more: Any) -> tuple[int, Any]:
        """Decide something of the first document."""
        content = self.ask(f"/document?id={quote(A)}")[1]["content"]
        status, told, _ = self.ask("/decide", {"document": A, "content": content, "verdict": verdict} | more)
        return status, told


@pytest.fixture
def page(project: Project) -> Iterator[Page]:
    bills = Bills(project)
    bills.plant(bills.outcome("a", name="Eve", total=61), bills.outcome("b", name="Bob"))
    with served(bills) as server:
        yield Page(server, bills)


def test_the_link_opens_the_page_once(page: Page):
    link = urlsplit(page.server.link)
    assert link.hostname == "127.0.0.1"
    page.enter()
    assert page.ask("/")[0] == 200
    stolen = Page(page.server, page.bills)
    assert stolen.ask(f"/?{link.query}")[0] == 403
    assert stolen.ask("/")[0] == 403
    assert page.ask(f"/?{link.query}")[0] == 303  # whoever is in already may reload


@pytest.mark.parametrize(
    "path",
    ["/", "/waiting", "/document?id=in/a.txt", "/page?id=in/a.txt&number=1", "/?token=wrong", "/?token="],
)
def test_without_the_link_nothing_is_shown(page: Page, path: str):
    status, content, _ = page.ask(path)
    assert status == 403
    assert "in/a.txt" not in content


def test_another_name_for_this_machine_is_refused(page: Page):
    page.enter()
    for host in ("evil.example", f"evil.example:{page.server.server_port}", "127.0.0.1", None):
        assert page.ask("/waiting", Host=host)[0] == 421


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "https://127.0.0.1"])
def test_another_pages_decision_is_refused(page: Page, origin: str | None):
    page.enter()
    status, _, _ = page.ask("/decide", {"document": A, "verdict": "accept"}, Origin=origin)
    assert status == 403
    assert page.bills.project.rows("select count(*) from docmill_decisions") == [(0,)]


def test_a_decision_without_the_cookie_is_refused(page: Page):
    assert page.ask("/decide", {"document": A, "verdict": "accept"})[0] == 403
    assert page.ask("/undo", {"document": A})[0] == 403


def test_the_page_may_load_nothing_and_stand_in_no_other(page: Page):
    page.enter()
    _, _, headers = page.ask("/")
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_document_is_shown_with_its_points_its_text_and_its_evidence(page: Page):
    page.enter()
    assert page.ask("/waiting")[1] == {"documents": [{"id": A, "open": 3}, {"id": "in/b.txt", "open": 1}]}
    told = page.ask(f"/document?id={quote(A)}")[1]
    assert [(each["name"], each["field"], each["seen"]) for each in told["points"]] == [
        ("/name", "name", "Eve"),
        ("/total", "total", "61"),
        ("rule sum", "", '{"net": 51, "tax": 9, "total": 61}'),
    ]
    marked = [run[0] for run in told["text"]["runs"] if isinstance(run, list)]
    assert "31 January 2024" in marked


def test_decisions_are_kept_and_the_last_one_is_asked_back(page: Page):
    page.enter()
    assert page.decide("accept", name="/name", seen="Eve") == (200, {"waiting": True, "status": "review"})
    last = {"name": "/total", "text": "60"}
    assert page.decide("correct", **last) == (200, {"confirm": "done"})
    assert page.bills.row()["status"] == "review"
    assert page.decide("correct", confirmed=True, **last) == (200, {"waiting": False, "status": "done"})
    assert page.bills.row()["record"]["total"] == 60
    assert page.bills.project.rows('select distinct "by" from docmill_decisions') == [("ada",)]
    assert page.ask("/waiting")[1]["documents"] == [{"id": "in/b.txt", "open": 1}]


def test_a_decision_is_taken_back(page: Page):
    page.enter()
    page.decide("accept", name="/name", seen="Eve")
    assert page.ask("/undo", {"document": A})[0] == 200
    assert page.ask("/waiting")[1]["documents"][0] == {"id": A, "open": 3}
    assert page.ask("/undo", {"document": A})[1] == {"error": "nothing of this document to undo"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"verdict": "correct", "name": "/total", "text": "much"}, "total: must be number"),
        ({"verdict": "accept", "name": "/name", "seen": "Bob"}, "export again"),
        ({"verdict": "allow"}, "verdict: must be one of accept, correct, reject"),
        ({"verdict": "accept", "name": 1}, "name: must be a text"),
        ({"verdict": "accept", "content": "other"}, "has another content by now"),
        ({"verdict": "accept", "document": "in/z.txt"}, "there is no document 'in/z.txt'"),
        ({"verdict": "correct", "name": "/lines", "adds": True, "text": "x"}, "have to be JSON"),
    ],
)
def test_what_cannot_be_decided_is_told_and_nothing_is_kept(page: Page, asked: dict[str, Any], said: str):
    page.enter()
    status, told = page.decide(**asked)
    assert status == 400
    assert said in told["error"]
    assert page.bills.project.rows("select count(*) from docmill_decisions") == [(0,)]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ("not JSON", {}, 400),
        ("[]", {}, 400),
        ("{}", {"Content_Type": "text/plain"}, 415),
        ("{}", {"Content_Length": "99999999999"}, 413),
        ("{}", {"Content_Length": "-1"}, 413),
    ],
)
def test_what_is_no_request_of_the_page_is_refused(
    page: Page, body: str, headers: dict[str, str], status: int
):
    page.enter()
    assert page.ask("/decide", body, **headers)[0] == status
    assert page.ask("/other", "{}")[0] == 404


def test_a_page_of_a_pdf_is_drawn_with_the_boxes_of_its_evidence(page: Page):
    bills = page.bills
    bills.plant(bills.outcome("p", text=pdf("Cover", TEXT), name="Eve"))
    page.enter()
    told = page.ask(f"/document?id={quote(P)}")[1]
    assert [(each["name"], each["page"]) for each in told["points"]] == [("/name", 2)]
    drawn = page.ask(f"/page?id={quote(P)}&number=2")[1]
    assert (drawn["page"], drawn["pages"]) == (2, 2)
    assert drawn["image"].startswith("data:image/png;base64,iVBOR")
    boxes = {each["path"]: each["box"] for each in drawn["boxes"]}
    assert {"on", "net", "tax", "total"} < boxes.keys()
    assert boxes["on"][1] < boxes["net"][1] < boxes["total"][1]
    assert page.ask(f"/page?id={quote(P)}&number=1")[1]["boxes"] == []


@pytest.mark.slow
def test_a_scan_is_drawn_with_the_boxes_of_what_was_recognized(page: Page):
    bills = page.bills
    bills.plant(bills.outcome("p", text=scanned(scan(TEXT.splitlines())), name="Eve"))
    page.enter()
    drawn = page.ask(f"/page?id={quote(P)}&number=1")[1]
    assert drawn["image"].startswith("data:image/jpeg;base64,")
    boxes = {each["path"]: each["box"] for each in drawn["boxes"]}
    assert boxes["on"][0] > 0.5 / 6
    assert boxes["on"][3] < boxes["total"][1]


def test_a_page_is_drawn_of_what_the_outcome_was_made_of_alone(page: Page):
    bills = page.bills
    bills.plant(bills.outcome("p", text=pdf("Cover", TEXT), name="Eve"), bills.outcome("t", name="Eve"))
    page.enter()
    for asked in ("id=in/t.txt&number=1", f"id={quote(P)}&number=3", f"id={quote(P)}&number=0"):
        assert page.ask(f"/page?{asked}")[:2] == (200, {})
    assert page.ask(f"/page?id={quote(P)}&number=x")[0] == 400
    Path(P).write_bytes(pdf("Another cover", TEXT))
    assert page.ask(f"/page?id={quote(P)}&number=2")[:2] == (200, {})
