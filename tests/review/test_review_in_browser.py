"""The review's page in a real chromium: read, decided by keys, and unmoved by hostile documents."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.devtools import Tab, browsing, pictured
from tests.support.documents import pdf
from tests.support.labelling import Letters
from tests.support.project import Project
from tests.support.reviewing import LINES, TEXT, Bills, served
from tests.support.scans import page, scanned

pytestmark = pytest.mark.browser

SCANNED = [
    "Invoice of Ada Ltd, 31 January 2024",
    "",
    "Item\tPrice",
    "Oak board\t7",
    "Ash beam\t44",
    "",
    "Net\t51",
    "Tax\t9",
    "Total due\t60",
]
ATTACK = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browsing(tmp_path_factory.mktemp("chromium")) as tab:
        yield tab


def until(tab: Tab, condition: str) -> Any:
    """Wait until an expression is true in the page."""
    for _ in range(200):
        if found := tab.run(condition):
            return found
        time.sleep(0.05)
    raise AssertionError((condition, tab.run("document.body.innerText")))


def press(tab: Tab, *keys: str) -> None:
    for key in keys:
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        for kind in ("keyDown", "keyUp"):
            tab.ask("Input.dispatchKeyEvent", type=kind, key=key, **({"text": text} if text else {}))


def current(name: str) -> str:
    return f"document.querySelector('.point.current .name')?.textContent === {name!r}"


def test_the_page_of_a_pdf_is_shown_with_the_box_of_the_value(project: Project, tab: Tab):
    bills = Bills(project)
    bills.plant(
        bills.outcome("a", text=pdf("Cover", TEXT), name="Eve", tax=10),
        bills.outcome("b", name="Bob"),
    )
    with served(bills) as server:
        tab.open(server.link)
        until(tab, "document.querySelector('.paper:not([hidden]) img')?.naturalHeight === 1400")
        assert tab.run("document.querySelector('.paper h3').textContent") == "Page 2 of 2"
        assert tab.run("[...document.querySelectorAll('.box')].length") > 4
        place = "(e) => e.getBoundingClientRect()"
        box, image = (
            tab.run(f"JSON.stringify(({place})(document.querySelector('{each}')))")
            for each in ('.box[title="on"]', ".sheet img")
        )
        box, image = json.loads(box), json.loads(image)
        pictured(tab, "review-pdf")
        # Its line is the first: its letters stand on 780 of 842, and are 8 high.
        assert (box["y"] - image["y"]) / image["height"] == pytest.approx((842 - 788) / 842, abs=0.004)
        assert box["height"] / image["height"] == pytest.approx(8 / 842, abs=0.004)
        tab.run("document.querySelector('.points li').click()")
        until(tab, "document.querySelectorAll('.paper img').length === 1")
        press(tab, "ArrowRight")
        until(tab, "document.querySelector('h2')?.textContent === 'in/b.txt'")
        until(tab, "document.querySelector('.paper').hidden")


def test_a_scanned_page_is_shown_with_the_boxes_of_what_was_read(project: Project, tab: Tab):
    bills = Bills(project)
    bills.plant(bills.outcome("a", text=scanned(page(SCANNED, askew=1)), name="Eve", total=61))
    with served(bills) as server:
        tab.open(server.link)
        until(tab, "document.querySelector('.paper:not([hidden]) img')?.naturalHeight > 500")
        boxes = set(tab.run("[...document.querySelectorAll('.box')].map((e) => e.title)"))
        assert {"on", "net", "tax", "lines[0].item", "lines[1].price"} <= boxes, boxes
        assert "Ash beam" in tab.run("document.querySelector('pre').textContent")
        pictured(tab, "review-scan")


def test_a_document_is_decided_by_keys_alone(project: Project, tab: Tab):
    bills = Bills(project)
    bills.plant(bills.outcome("a", name="Eve", total=61, lines=LINES[:1]), bills.outcome("b", name="Bob"))
    with served(bills) as server:
        tab.open(server.link)
        until(tab, current("/name"))
        assert "token" not in tab.run("location.href")
        assert tab.run("document.querySelector('#count').textContent") == "2 in review"
        assert "31 January 2024" in tab.run(
            "[...document.querySelectorAll('mark')].map((e) => e.textContent)"
        )
        assert tab.run("document.querySelector('pre mark.row').textContent") == "| Ash beam | 44 |"
        pictured(tab, "review")
        press(tab, "a")
        until(tab, current("/total"))
        press(tab, "c")
        until(tab, "document.activeElement.tagName === 'TEXTAREA'")
        tab.run("document.activeElement.value = 'much'")
        press(tab, "Enter")
        until(tab, "document.querySelector('#said.fault')?.textContent.includes('must be number')")
        press(tab, "c")
        until(tab, "document.activeElement.tagName === 'TEXTAREA'")
        tab.run("document.activeElement.value = '60'")
        press(tab, "Enter")
        until(tab, current("/lines"))
        press(tab, "c")
        until(tab, "document.activeElement.tagName === 'TEXTAREA'")
        tab.run("""document.activeElement.value = '{"item": "Ash beam", "price": 44}'""")
        press(tab, "Enter")
        until(tab, "document.querySelector('#said').textContent.includes('is done: Enter writes it')")
        assert bills.row()["status"] == "review"
        press(tab, "Enter")
        until(tab, "document.querySelector('#count').textContent === '1 in review'")
        row = bills.row()
        assert (row["status"], row["record"]["total"], row["record"]["lines"]) == ("done", 60, LINES)
        assert bills.project.rows("select name, total from p__bill") == [("Eve", 60.0)]


def test_a_label_is_corrected_by_keys(project: Project, tab: Tab):
    letters = Letters(project)
    letters.plant()
    with served(letters) as server:
        tab.open(server.link)
        until(tab, current("classify:label"))
        press(tab, "c")
        tab.run("document.querySelector('.point textarea').value = 'offer'")
        press(tab, "Enter")
        until(tab, "document.getElementById('said').textContent.includes('Enter writes it')")
        press(tab, "Enter")
        until(tab, "document.body.innerText.includes('Nothing waits in review.')")
    assert letters.results()[0]["label"] == "offer"


def test_a_decision_is_undone_and_a_document_rejected(project: Project, tab: Tab):
    bills = Bills(project)
    bills.plant(bills.outcome("a", name="Eve", on="2023-01-01"))
    with served(bills) as server:
        tab.open(server.link)
        until(tab, current("/name"))
        press(tab, "a")
        until(tab, current("/on"))
        press(tab, "u")
        until(tab, "document.querySelectorAll('.point').length === 2")
        press(tab, "r")
        until(tab, "document.activeElement.tagName === 'TEXTAREA'")
        tab.run("document.activeElement.value = 'spam'")
        press(tab, "Enter")
        until(tab, "document.querySelector('#said').textContent.includes('is rejected: Enter writes it')")
        press(tab, "Enter")
        until(tab, "document.querySelector('#count').textContent === 'nothing in review'")
    query = "select decision, note from docmill_decisions order by id"
    assert bills.project.rows(query) == [("accept", ""), ("undo", ""), ("reject", "spam")]


def test_a_hostile_document_does_nothing(project: Project, tab: Tab):
    bills = Bills(project)
    item = {"item": ATTACK + "y", "price": 1}
    bills.plant(bills.outcome("a", text=f"{ATTACK}\n{TEXT}", name=f"{ATTACK}x", lines=[*LINES, item]))
    with served(bills) as server:
        tab.open(server.link)
        until(tab, current("/name"))
        assert tab.run("document.querySelectorAll('script').length") == 1
        assert tab.run("document.querySelectorAll('img').length") == 0
        assert tab.run("window.hacked") is None
        assert tab.run("document.querySelector('.point .value').textContent") == f"{ATTACK}x"
        assert tab.run("document.querySelector('pre').textContent").startswith(ATTACK)
        loaded = {each["request"]["url"] for each in tab.told("Network.requestWillBeSent")}
        assert all(url.startswith(server.origin) for url in loaded)


def test_another_site_cannot_decide(project: Project, tab: Tab, tmp_path: Path):
    bills = Bills(project)
    bills.plant(bills.outcome("a", name="Eve"))
    site = tmp_path / "site.html"
    site.write_text("<!doctype html><title>elsewhere</title>")
    with served(bills) as server:
        tab.open(server.link)
        until(tab, current("/name"))
        tab.open(site.as_uri())
        asked = {"document": "in/a.txt", "content": bills.row()["content_sha256"], "verdict": "reject"}
        body = json.dumps(asked | {"confirmed": True})
        for kind in ("text/plain", "application/json"):
            options: dict[str, Any] = {
                "method": "POST",
                "mode": "no-cors",
                "credentials": "include",
                "body": body,
            }
            options |= {"headers": {"Content-Type": kind}}
            sent = f"fetch('{server.origin}/decide', {json.dumps(options)}).then(() => 1, () => 2)"
            assert tab.run(sent) in (1, 2)
    assert bills.project.rows("select count(*) from docmill_decisions") == [(0,)]
