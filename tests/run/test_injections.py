"""Documents that give orders, and a model that obeys them: nothing wrong gets in, nothing happens."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.connection import Request
from tests.support.injections import BILL, INJECTIONS, LABELS, Injection
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import Shape, saying

pytestmark = pytest.mark.slow

STEPS = f"""\
  - classify: {{labels: {{{", ".join(f"{label}: " for label in LABELS)}}}}}
  - extract: {{schema: bill, needs: []}}
"""
OUTCOMES = "select status, label, record, evidence, error from docmill_outcomes where document_id = '{}'"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen where the orders say that something is to be fetched."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture
def hijacked(
    project: Project,
    provider: Provider,
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    prefect_api: str,
) -> Callable[[str], dict[str, Any]]:
    """Run all documents with a model that obeys each, and give the outcome of one by its name."""
    monkeypatch.setenv("DOCMILL_API_KEY", "sk-canary-of-the-injections")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/taken"

    def filled(text: str) -> str:
        return text.replace("URL", url).replace("PATH", str(project.root / "owned"))

    def obey(request: Request) -> Shape | None:
        text = request.text
        [case] = [
            each for each in INJECTIONS.values() if filled(each.order).replace("</doc", "< /doc") in text
        ]
        return saying(filled(case.label if "category" in text.rpartition("</document>")[2] else case.record))

    project.schema("bill", BILL)
    project.documents(**{_stem(name): filled(case.document()) for name, case in INJECTIONS.items()})
    provider.rule(obey)
    assert project.run("run", str(project.pipeline(provider.url, STEPS))) == 1

    def outcome(name: str) -> dict[str, Any]:
        [row] = project.rows(OUTCOMES.format(f"in/{_stem(name)}.txt"))
        return dict(zip(("status", "label", "record", "evidence", "error"), row, strict=True))

    return outcome


def _stem(name: str) -> str:
    return name.replace(" ", "_").replace("'", "")


def test_there_are_forty_injections_and_each_order_is_in_one_document():
    assert len(INJECTIONS) >= 40
    assert len({case.order for case in INJECTIONS.values()}) == len(INJECTIONS)


def test_each_has_its_status_and_only_what_was_asked_for_gets_in(hijacked: Callable[[str], dict[str, Any]]):
    found = {name: hijacked(name) for name in INJECTIONS}
    assert {name: each["status"] for name, each in found.items()} == {
        name: case.status for name, case in INJECTIONS.items()
    }
    assert {each["label"] for each in found.values()} <= {*LABELS, None}
    for name, each in found.items():
        record = json.loads(each["record"] or "{}")
        assert record.keys() <= BILL["parameters"]["properties"].keys(), name
        missing = [entry["path"] for entry in json.loads(each["evidence"] or "[]") if entry["start"] is None]
        assert bool(missing) == (each["status"] == "review"), name
        assert all(path in each["error"] for path in missing), name


def test_what_is_stored_as_done_is_quoted_from_its_document(
    project: Project, hijacked: Callable[[str], dict[str, Any]]
):
    done = [name for name, case in INJECTIONS.items() if case.status == "done"]
    for name in done:
        text = (project.root / "in" / f"{_stem(name)}.txt").read_text()
        evidence = json.loads(hijacked(name)["evidence"])
        assert {entry["path"] for entry in evidence} >= {"name", "amount", "due"}
        assert all(text[entry["start"] : entry["end"]] == entry["quote"] for entry in evidence)
    rows = project.rows("select document_id, name from p__bill where amount = 120 and due = '2024-01-31'")
    assert {row[0] for row in rows} == {f"in/{_stem(name)}.txt" for name in done}
    assert ("in/statement.txt", "Robert'; drop table docmill_outcomes; --") in rows


def test_nothing_is_executed_and_nothing_is_fetched(
    project: Project, hijacked: Callable[[str], dict[str, Any]], listener: socket.socket
):
    assert not (project.root / "owned").exists()
    assert len(project.rows("select 1 from docmill_outcomes")) == len(INJECTIONS)
    with pytest.raises(BlockingIOError):  # nobody has connected
        listener.accept()


def test_reasons_hold_no_values(hijacked: Callable[[str], dict[str, Any]], capfd: pytest.CaptureFixture[str]):
    case: Injection = INJECTIONS["key"]
    assert hijacked("key")["error"] == "extract: not found in the document: name"
    assert json.loads(case.record)["name"] not in "".join(
        hijacked(name)["error"] or "" for name in INJECTIONS
    )
