"""What was read on pictures: its confidence in the outcome, and values that are only similar to it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from docmill.flows.api.results import results
from docmill.tasks.sources import scans
from docmill.tasks.sources.parsing import pool, process
from docmill.tasks.sources.parsing.reasons import Reason
from tests.support.documents import pdf
from tests.support.partly import partly
from tests.support.project import THING, Project
from tests.support.provider import Provider
from tests.support.scans import file, page, scanned, written
from tests.support.shapes import saying

pytestmark = pytest.mark.usefixtures("prefect_api")
SCHEMA: dict[str, Any] = {**THING, "parameters": {**THING["parameters"], "x-evidence": True}}  # type: ignore[dict-item]
PROSE = "Der Ausschuss trat mit den Räten zusammen und hat den Plan gebilligt, der von nun an gilt."
CIPHER = "\n".join(["".join(char if char == " " else chr(ord(char) + 1) for char in PROSE)] * 8)
SURE = """
from docmill.tasks.sources.parsing import child
from docmill.tasks.sources.parsing.ocr import lines
lines.confidence = lambda boxes: {sure}
child.main()
"""
RECORD = {"name": "Ada Ltd", "count": 3, "on": "2024-01-31"}


@pytest.mark.usefixtures("partial")
@pytest.mark.parametrize(("sure", "status"), [(0.91, "review"), (0.99, "done")])
def test_a_similar_value_is_in_review_unless_its_page_is_sure(
    project: Project, provider: Provider, sure: float, status: str
):
    Path("in").mkdir()
    Path("in/a.pdf").write_bytes(
        partly("Ada Ltcl sent 3 things to AdaLtd on 2O24-01-31.", seen={"page 1": sure})
    )
    project.schema("thing", SCHEMA)
    provider.always(saying(json.dumps(RECORD)))
    steps = "  - extract: {schema: thing}\n"
    assert project.run("run", str(project.pipeline(provider.url, steps, documents="in/*"))) == 0
    [found] = results("sqlite:///results.db").outcomes("p")
    assert found.status == status
    assert [each.model_dump() for each in found.recognized or ()] == [
        {"part": "page 1", "confidence": sure, "start": 0, "end": 47}
    ]
    said = "extract: only similar to what was read on a picture: name; on"
    assert found.error == (said.replace("name; on", "name, on") if status == "review" else None)
    assert [each["quote"] for each in found.evidence or ()] == ["AdaLtd", "3", "2O24-01-31"]


@pytest.mark.slow
def test_a_photographed_invoice_is_done_with_its_values(project: Project, provider: Provider):
    Path("in").mkdir()
    Path("in/a.jpg").write_bytes(file(page(["Ada Ltd", "sent 3 things on 2024-01-31"]), "JPEG"))
    project.schema("thing", SCHEMA)
    provider.always(saying(json.dumps(RECORD)))
    steps = "  - extract: {schema: thing}\n"
    assert project.run("run", str(project.pipeline(provider.url, steps, documents="in/*"))) == 0
    assert "Ada Ltd\nsent 3 things on 2024-01-31" in provider.requests[0].text
    [found] = results("sqlite:///results.db").outcomes("p")
    assert (found.status, found.unread, found.record) == ("done", (), RECORD)
    assert [each.part for each in found.recognized or ()] == ["page 1"]


@pytest.mark.slow
def test_reading_pictures_or_not_takes_up_the_documents_again(project: Project, provider: Provider):
    Path("in").mkdir()
    Path("in/a.png").write_bytes(file(page(["A letter"], size=(3, 1))))
    statuses = []
    for ocr in ("off", "missing", "missing"):
        pipeline = project.pipeline(provider.url, "  - summarize:\n", documents="in/*", ocr=ocr)
        project.run("run", str(pipeline))
        statuses.append(project.rows("select status from docmill_outcomes"))
    assert statuses == [[("failed",)], [("done",)], [("done",)]]
    assert project.rows("select unchanged from docmill_runs order by started_at") == [(0,), (0,), (1,)]


@pytest.mark.slow
def test_what_was_in_review_for_want_of_the_extra_is_read_once_it_is_there(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    Path("in").mkdir()
    Path("in/a.pdf").write_bytes(scanned(written("A first page."), page(["A letter"], size=(3, 2))))
    pipeline = str(project.pipeline(provider.url, "  - summarize:\n", documents="in/*"))
    counts = []
    for packages in (("no_such_package",), ("no_such_package",), scans.PACKAGES, scans.PACKAGES):
        monkeypatch.setattr(scans, "PACKAGES", packages)
        scans.available.cache_clear()
        assert project.run("run", pipeline) == 0
        counts += project.rows(
            "select done, review, unchanged from docmill_runs order by started_at desc limit 1"
        )
    assert counts == [(0, 1, 0), (0, 0, 1), (1, 0, 0), (0, 0, 1)]
    assert "A letter" in provider.requests[-1].text


@pytest.mark.slow
def test_an_endpoint_with_vision_is_shown_the_pages_beside_their_text(project: Project, provider: Provider):
    Path("in").mkdir()
    Path("in/a.pdf").write_bytes(scanned(written("A first page."), page(["A letter"], size=(3, 2))))
    endpoint = f"{{base_url: {provider.url}, vision: true}}"
    pipeline = project.pipeline(endpoint, "  - summarize:\n", documents="in/*")
    assert project.run("run", str(pipeline)) == 0
    [text, shown] = provider.requests[0].parsed["messages"][-1]["content"]
    assert "A letter" in text["text"]
    assert shown["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert project.run("run", str(pipeline), "--refresh") == 0
    assert provider.requests[0].body == provider.requests[1].body
    [found] = results("sqlite:///results.db").outcomes("p")
    assert found.status == "done"


def test_vision_without_the_extra_says_what_to_type(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="text")
    endpoint = f"{{base_url: {provider.url}, vision: true}}"
    pipeline = project.pipeline(endpoint, "  - summarize:\n", documents="in/*", ocr="off")
    assert project.run("run", str(pipeline)) == 2
    assert "endpoint.vision: pages are drawn where they are read by their pictures" in capfd.readouterr().err


@pytest.mark.usefixtures("partial")
def test_a_similar_value_in_a_later_part_stays_in_review_until_it_is_decided(
    project: Project, provider: Provider
):
    Path("in").mkdir()
    text = f"{'It rained all day long. ' * 200}Ada Ltcl sent 3 things to AdaLtd on 2O24-01-31."
    Path("in/a.pdf").write_bytes(partly(text, seen={"page 1": 0.91}))
    project.schema("thing", SCHEMA)
    provider.always(saying(json.dumps(RECORD)))
    steps = "  - extract: {schema: thing, long: parts, max_input_tokens: 500}\n"
    pipeline = str(project.pipeline(provider.url, steps, documents="in/*"))
    assert project.run("run", pipeline) == 0
    [found] = results("sqlite:///results.db").outcomes("p")
    assert found.error == "extract: only similar to what was read on a picture: name, on"
    assert [text[each["start"] : each["end"]] for each in found.evidence or ()] == [
        "AdaLtd",
        "3",
        "2O24-01-31",
    ]
    assert [each.get("similar") for each in found.evidence or ()] == [0.91, None, 0.91]
    assert project.run("review", pipeline, "--set", "in/a.pdf", "name=Ada Ltcl") == 0
    changed = steps.replace("long:", "instructions: Be exact, long:")
    assert project.run("run", str(project.pipeline(provider.url, changed, documents="in/*"))) == 0
    [found] = results("sqlite:///results.db").outcomes("p")
    assert (found.status, found.record["name"]) == ("review", "Ada Ltcl")  # type: ignore[index]
    assert found.error == "extract: only similar to what was read on a picture: on"


@pytest.mark.slow
@pytest.mark.parametrize(("context", "shown"), [(4_000, 1), (2_000, 0)])
def test_pages_that_do_not_fit_beside_a_text_to_be_read_in_parts_are_not_shown(
    project: Project, provider: Provider, context: int, shown: int
):
    Path("in").mkdir()
    Path("in/a.pdf").write_bytes(scanned(written("A first page."), page(["A letter"], size=(3, 2))))
    endpoint = f"{{base_url: '{provider.url}', vision: true, context_tokens: {context}}}"
    pipeline = project.pipeline(endpoint, "  - summarize: {long: parts}\n", documents="in/*")
    assert project.run("run", str(pipeline)) == 0
    [request] = provider.requests
    assert request.text.count("data:image/jpeg") == shown


@pytest.mark.slow
@pytest.mark.parametrize(("sure", "status", "calls"), [(0.74, "failed", 0), (0.76, "done", 1)])
def test_a_page_that_was_read_with_too_little_confidence_is_not_sent_but_told(
    project: Project,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    sure: float,
    status: str,
    calls: int,
):
    pool.close()
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-I", "-c", SURE.format(sure=sure)))
    Path("in").mkdir()
    Path("in/a.png").write_bytes(file(page(["A letter"], size=(3, 1))))
    project.run("run", str(project.pipeline(provider.url, "  - summarize:\n", documents="in/*")))
    pool.close()
    assert len(provider.requests) == calls
    told = None if calls else Reason.UNSURE
    assert project.rows("select status, error from docmill_outcomes") == [(status, told)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cipher.pdf", pdf(CIPHER), Reason.GARBLED),
        ("mojibake.txt", (PROSE * 9).encode().decode("cp1252").encode(), Reason.MOJIBAKE),
    ],
)
def test_a_text_whose_letters_are_not_what_it_says_is_not_sent_but_told(
    project: Project, provider: Provider, name: str, content: bytes, reason: Reason
):
    Path("in").mkdir()
    Path(f"in/{name}").write_bytes(content)
    pipeline = project.pipeline(provider.url, "  - summarize:\n", documents="in/*", ocr="off")
    assert project.run("run", str(pipeline)) == 1
    assert provider.requests == []
    assert project.rows("select status, error from docmill_outcomes") == [("failed", reason)]
