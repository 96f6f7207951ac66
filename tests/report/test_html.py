"""`docmill report --html`: one page of a run, from its outcomes and its documents as they are now."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.flows.report import page, pictures
from docmill.flows.report.entries import ROW, entry
from docmill.flows.report.marked_text import MAX_CHARS, Span, runs
from docmill.flows.report.texts import CHANGED, GONE, NEVER_READ, texts
from docmill.schemas.document import Document
from docmill.schemas.errors import StorageError
from docmill.schemas.outcome import Status
from docmill.tasks.sources.files import Files
from tests.cli.test_commands import without_prefect
from tests.support import scans
from tests.support.documents import pdf
from tests.support.planted import STARTED, evidence, outcome, plant, plant_texts
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.tickets import tell

Printed = pytest.CaptureFixture[str]
PAGE = Path("report.html")
TEXT = "Invoice 88213 of 3 May 2026: 1,130.50 EUR"


class Skeleton(HTMLParser):
    """The elements of a page with their attributes, and what its scripts and styles hold."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.held: list[tuple[dict[str, str | None], str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element in."""
        self.elements.append((tag, tuple(attrs)))
        if tag in ("script", "style"):
            self.held.append((dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        """Take in what a script or a style holds."""
        if self.cdata_elem:
            attrs, held = self.held.pop()
            self.held.append((attrs, held + data))

    def data(self, id_: str) -> Any:
        """Give the JSON that the page holds under an id."""
        [found] = [held for attrs, held in self.held if attrs.get("id") == id_]
        return json.loads(found)


def _page(project: Project, *arguments: str) -> str:
    assert project.run("report", "p.yaml", "--html", str(PAGE), *arguments) == 0
    return PAGE.read_text()


def _texts(html: str) -> list[Any]:
    """Give what the page says of each document's text, by document_id."""
    found = Skeleton(html)
    return [found.data(f"t{number}") for number in range(html.count('<tr data-n="'))]


@pytest.mark.slow
def test_a_real_run_is_shown_with_the_texts_it_read(
    project: Project, provider: Provider, prefect_api: str, capfd: Printed
):
    project.documents(a=TEXT, empty="")
    endpoint = f"{{base_url: '{provider.url}', prices: {{input: 1, output: 2}}}}"
    assert project.run("run", str(project.pipeline(endpoint))) == 1
    capfd.readouterr()
    html = _page(project)
    assert capfd.readouterr().out == "report.html\n"
    [(run_id, cost)] = project.rows("select run_id, cost_usd from docmill_runs")
    for shown in (
        run_id,
        "incomplete",
        f"${cost:.6f}",
        "by the endpoint&#39;s own prices",
        "the file is empty",
    ):
        assert shown in html
    found = Skeleton(html)
    assert found.data("t0") == {"runs": [TEXT]}
    assert found.data("t1") == {"why": "The document cannot be read: the file is empty."}
    assert [step["cells"][0] for step in found.data("d0")["steps"]] == ["summarize", "classify", "extract"]
    assert {field["path"] for field in found.data("d0")["fields"]} == {"name", "count", "on"}


def test_evidence_stands_at_its_characters(project: Project):
    told = evidence(TEXT, name="88213", on="3 May 2026", count=None)
    record = {"name": "88213", "count": 7, "on": "2026-05-03"}
    plant_texts(project, {"a": TEXT}, status="review", record=record, evidence=told)
    html = _page(project)
    assert _texts(html) == [{"runs": ["Invoice ", ["88213", 0], " of ", ["3 May 2026", 2], ": 1,130.50 EUR"]}]
    fields = Skeleton(html).data("d0")["fields"]
    assert [(each["path"], each["value"], each["state"]) for each in fields] == [
        ("name", "88213", "found"),
        ("count", "7", "missing"),
        ("on", "2026-05-03", "found"),
    ]
    assert "<small>1 to check</small>" in html


def _plant_invoices(project: Project, **statuses: Status) -> None:
    """Plant PDFs of a cover and an invoice, each read as its status says."""
    project.documents(x="")
    project.pipeline("http://127.0.0.1:9/v1", "  - extract: {schema: thing}\n", documents="in/*.pdf")
    text = f"Cover\n\n{TEXT}"
    told = [{**each, "page": 2} for each in evidence(text, name="88213")]
    planted = []
    for name, status in statuses.items():
        file = Path(f"in/{name}.pdf")
        file.write_bytes(pdf("Cover", TEXT))
        planted.append(outcome(file, status, record={"name": "88213"}, evidence=told))
    plant(planted)


def _pictured(html: str) -> list[list[int]]:
    return [[each["page"] for each in told.get("pages", ())] for told in _texts(html)]


def test_the_page_with_the_evidence_is_a_picture_with_its_boxes(project: Project):
    _plant_invoices(project, a="done")
    [told] = _texts(_page(project))
    [shown] = told["pages"]
    assert (shown["page"], shown["pages"]) == (2, 2)
    assert shown["image"].startswith("data:image/png;base64,iVBOR")
    [box] = shown["boxes"]
    assert (box["path"], 60 / 595 < box["box"][0] < box["box"][2] < 0.3) == ("name", True)


def test_so_many_pages_are_shown_of_documents_in_review_first(project: Project):
    _plant_invoices(project, a="done", b="done", c="review")
    assert _pictured(_page(project)) == [[2], [2], [2]]
    assert _pictured(_page(project, "--pages", "2")) == [[2], [], [2]]
    assert _pictured(_page(project, "--pages", "0")) == [[], [], []]


def test_the_pictures_of_a_page_have_a_bound_in_bytes(project: Project, monkeypatch: pytest.MonkeyPatch):
    _plant_invoices(project, a="done", b="done")
    monkeypatch.setattr(pictures, "MOST_BYTES", 1_000)
    assert _pictured(_page(project)) == [[2], []]


@pytest.mark.slow
def test_a_scan_is_shown_as_it_was_read(project: Project):
    project.documents(x="")
    project.pipeline("http://127.0.0.1:9/v1", "  - extract: {schema: thing}\n", documents="in/*.png")
    Path("in/a.png").write_bytes(scans.file(scans.page()))
    told = [{**each, "page": 1} for each in evidence("Invoice RE-2031-0042", name="RE-2031-0042")]
    plant([outcome(Path("in/a.png"), record={"name": "RE-2031-0042"}, evidence=told)])
    [shown] = _texts(_page(project))[0]["pages"]
    assert shown["image"].startswith("data:image/jpeg;base64,")
    [box] = shown["boxes"]
    assert (box["path"], 0.5 / 6 < box["box"][0] < box["box"][2] < 0.5) == ("name", True)


def test_what_a_person_decided_is_not_to_be_checked_again(project: Project):
    told = evidence(TEXT, name="88213", count=None)
    reviewed = {"record": {"name": "88213", "count": 7}, "evidence": told, "reviewed_at": STARTED}
    left_out = [{"path": "lines", "start": 0, "end": 7, "quote": TEXT[:7]}]
    plant_texts(project, {"a": TEXT}, status="done", missing=left_out, **reviewed)
    html = _page(project)
    found = Skeleton(html).data("d0")
    assert [each["state"] for each in found["fields"]] == ["found", "decided"]
    assert found["left_out"] == {}
    assert "to check</small>" not in html
    assert "left out</small>" not in html


def test_what_was_not_read_is_told_with_the_document_whatever_its_text(project: Project):
    unread = [{"part": "page <3>", "why": "w"}, {"part": "b", "why": "w"}]
    plant_texts(project, {"a": TEXT}, status="review", unread=unread)
    Path("in/a.txt").unlink()
    html = _page(project)
    assert Skeleton(html).data("d0")["unread"] == unread
    assert "<small>2 not read</small>" in html
    assert "<dt>Parts not read</dt><dd>2</dd>" in html
    assert "page <3>" not in html


def test_rows_that_stand_for_no_item_are_marked_apart(project: Project):
    text = "Oak 3\nAsh 4\n"
    missing = [{"path": "lines", "start": 6, "end": 11, "quote": "Ash 4"}]
    record = {"lines": [{"item": "Oak"}]}
    told = evidence(text, **{"lines[0].item": "Oak"})
    plant_texts(project, {"a": text}, status="review", record=record, evidence=told, missing=missing)
    html = _page(project)
    assert _texts(html) == [{"runs": [["Oak", 0], " 3\n", ["Ash 4", ROW]]}]
    assert Skeleton(html).data("d0")["left_out"] == {"lines": 1}
    assert "<small>1 left out</small>" in html
    assert "<dt>Rows left out</dt><dd>1</dd>" in html


@pytest.mark.parametrize("unread", [None, ()])
def test_nothing_is_said_of_parts_where_all_was_read_or_nobody_could_tell(project: Project, unread: Any):
    plant_texts(project, {"a": TEXT}, unread=unread)
    html = _page(project)
    assert Skeleton(html).data("d0")["unread"] == []
    assert "not read</" not in html


def test_outcomes_of_an_earlier_version_are_shown(project: Project):
    plant_texts(project, {"a": TEXT})
    tell("sqlite:///results.db", "alter table docmill_outcomes drop column unread")
    assert Skeleton(_page(project)).data("d0")["unread"] == []


def test_numbers_are_shown_as_they_were_written(project: Project):
    record = {"a": 12345678901234567890, "b": 1.0, "c": [], "d": [True, {"e": None}], "f": ""}
    plant_texts(project, {"a": TEXT}, record=record)
    fields = Skeleton(_page(project)).data("d0")["fields"]
    assert {each["path"]: each["value"] for each in fields} == {
        "a": "12345678901234567890",
        "b": "1.0",
        "c": "[]",
        "d[0]": "true",
        "d[1].e": None,
        "f": "",
    }


def test_half_a_surrogate_pair_in_a_stored_record_does_not_end_the_report(project: Project):
    plant_texts(project, {"a": TEXT})
    tell("sqlite:///results.db", r"""update docmill_outcomes set record = '{"name": "a\ud800\\b"}'""")
    [field] = Skeleton(_page(project)).data("d0")["fields"]
    assert field["value"] == "a\ud800\\b"


PLACED = st.text(min_size=1).flatmap(
    lambda text: st.tuples(
        st.just(text),
        st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)), st.integers(0, 3))),
        st.lists(st.integers(0, len(text) - 1), unique=True).map(sorted),
    )
)


@given(PLACED)
def test_runs_are_the_whole_text_and_each_field_marks_what_it_quotes(
    placed: tuple[str, list[tuple[int, int, int]], list[int]],
):
    text, wanted, pages = placed
    spans = [Span(min(a, b), max(a, b), field) for a, b, field in wanted]
    found = list(runs(text, spans, pages))
    at, marked, begun = 0, {field: set[int]() for field in range(4)}, []
    for run in found:
        if isinstance(run, dict):
            begun.append(at)
            continue
        said, *fields = [run] if isinstance(run, str) else run
        assert isinstance(said, str)
        assert text.startswith(said, at)
        for field in fields:
            marked[int(field)] |= set(range(at, at + len(said)))
        at += len(said)
    assert at == len(text)
    assert begun == pages
    for field, characters in marked.items():
        assert characters == {
            at for span in spans if span.field == field for at in range(span.start, span.end)
        }


@pytest.mark.parametrize(
    "places", [[], [0], [500_000], [10, 700_000], [999_990], [*range(0, 999_000, 9_000)]]
)
def test_of_a_long_text_what_is_around_the_evidence_is_shown(places: list[int]):
    text = "".join(chr(ord("a") + number % 26) for number in range(1_000_000))
    found = list(runs(text, [Span(start, start + 10, field) for field, start in enumerate(places)]))
    marked = [run for run in found if isinstance(run, list)]
    assert marked == [[text[start : start + 10], field] for field, start in enumerate(places)]
    shown = sum(
        len(run if isinstance(run, str) else str(run[0])) for run in found if not isinstance(run, dict)
    )
    left_out = sum(run["gap"] for run in found if isinstance(run, dict))
    assert shown + left_out == len(text)
    assert MAX_CHARS / 4 < shown <= MAX_CHARS + 10 * len(places)
    assert found[0] == text[: len(str(found[0]))] or places[:1] == [0]


def test_a_document_that_has_changed_or_is_gone_shows_no_text(project: Project):
    plant_texts(project, {"a": TEXT, "b": TEXT, "c": TEXT, "d": TEXT})
    project.documents(a=TEXT + ".")
    Path("in/b.txt").unlink()
    Path("in/c.txt").write_bytes(b"\n")
    html = _page(project)
    assert _texts(html) == [
        {"why": CHANGED},
        {"why": GONE},
        {"why": "The document cannot be read: the file is empty."},
        {"runs": [TEXT]},
    ]
    assert html.count(TEXT) == 1


def test_a_document_that_the_run_could_not_read_shows_no_text(project: Project):
    plant_texts(project, {"a": TEXT}, status="failed", error="no permission", content_sha256=None)
    assert _texts(_page(project)) == [{"why": NEVER_READ}]


def test_without_its_source_a_report_has_no_texts_and_says_why(project: Project):
    plant_texts(project, {"a": TEXT})
    Path("in").rename("elsewhere")
    [told] = _texts(_page(project))
    assert told["why"].startswith("The source cannot be read: documents: 'in/*.txt'")
    assert _texts(_page(project, "--documents", "elsewhere/*.txt")) == [{"why": GONE}]


def test_documents_taken_in_place_of_the_pipelines_are_found_where_they_are(project: Project):
    plant_texts(project, {"a": TEXT})
    project.pipeline("http://127.0.0.1:9/v1", "  - extract: {schema: thing}\n", documents="other/*.txt")
    Path("other").mkdir()
    assert _texts(_page(project)) == [{"why": GONE}]
    assert _texts(_page(project, "--documents", "in/*.txt")) == [{"runs": [TEXT]}]


def test_documents_are_asked_for_with_a_page_alone(project: Project, capfd: Printed):
    plant_texts(project, {"a": TEXT})
    assert project.run("report", "p.yaml", "--documents", "in/*") == 2
    assert "--documents: " in capfd.readouterr().err


@dataclass(frozen=True)
class Ref:
    """A document of a source that breaks; b breaks what reads it."""

    document_id: str
    uri: str = "u"

    def sha256(self) -> str | None:
        """Give the hash of them all."""
        return "h"

    def read(self) -> Document:
        """Give the text of them all, but of b."""
        if self.document_id == "b":
            raise RuntimeError("unforeseen")
        return Document(document_id=self.document_id, uri="u", content_sha256="h", text="text")


class Breaking(Files):
    """A source that is lost after three documents."""

    @contextmanager
    def opened(self) -> Iterator[Iterator[Any]]:
        """List the three."""

        def refs() -> Iterator[Ref]:
            yield from (Ref(name) for name in "abc")
            raise StorageError("the connection was lost")

        yield refs()


def test_no_document_ends_the_report_nor_does_a_lost_source():
    common: dict[str, Any] = dict.fromkeys(("evidence", "record", "label", "summary", "error", "cost_usd"))
    common |= {"content_sha256": "h", "status": "done", "seconds": 0.0, "uri": "u", "truncated": False}
    common |= {"updated_at": STARTED, "steps": {}}
    entries = [entry(number, common | {"document_id": name}) for number, name in enumerate("abcd")]
    by_id = {each.document_id: each for each in entries}
    told = {each.document_id: said for each, said in texts(Breaking(()), by_id)}
    assert told["a"] == told["c"] == {"runs": ["text"]}
    assert told["b"] == {"why": "The document cannot be read: RuntimeError."}
    assert told["d"] == {"why": "The source cannot be read: the connection was lost"}


def test_evidence_that_the_text_no_longer_has_there_is_not_marked(project: Project):
    told = evidence(TEXT, name="88213")
    told[0]["quote"] = "88214"
    plant_texts(project, {"a": TEXT}, record={"name": "88214"}, evidence=told)
    assert _texts(_page(project)) == [{"runs": [TEXT]}]


@pytest.mark.slow
def test_rows_are_read_from_their_table_again(project: Project, provider: Provider, prefect_api: str):
    tell("sqlite:///t.db", "create table t (id integer primary key, body text)")
    tell("sqlite:///t.db", "insert into t values (1, 'one'), (2, 'two'), (3, 'three')")
    rows = "{url: 'sqlite:///t.db', query: 'select id, body from t', key: id, text: '{{ body }}'}"
    file = project.pipeline(provider.url, "  - summarize:\n", rows=rows)
    file.write_text(file.read_text().replace("documents: in/*.txt\n", ""))
    assert project.run("run", "p.yaml") == 0
    tell("sqlite:///t.db", "update t set body = 'other' where id = 2", "delete from t where id = 3")
    assert _texts(_page(project)) == [{"runs": ["one"]}, {"why": CHANGED}, {"why": GONE}]


def test_run_and_status_limit_the_documents(project: Project):
    project.documents(a="1", b="2", c="3")
    project.pipeline("http://127.0.0.1:9/v1", "  - extract: {schema: thing}\n")
    files = [Path("in", f"{name}.txt") for name in "abc"]
    plant([outcome(file) for file in files], "r1")
    plant([outcome(files[0]), outcome(files[1], "review")], "r2")
    assert [_ids(_page(project, *limits)) for limits in ([], ["--run", "r1"], ["--status", "review"])] == [
        ["in/a.txt", "in/b.txt", "in/c.txt"],
        ["in/c.txt"],
        ["in/b.txt"],
    ]
    assert _ids(_page(project, "--run", "r1", "--status", "review")) == []


def _ids(html: str) -> list[str]:
    found = Skeleton(html)
    return [found.data(f"d{number}")["id"] for number in range(html.count('<tr data-n="'))]


def test_json_is_printed_beside_the_page(project: Project, capfd: Printed):
    plant_texts(project, {"a": TEXT})
    assert project.run("report", "p.yaml", "--html", str(PAGE), "--json") == 0
    assert json.loads(capfd.readouterr().out)["run"]["run_id"] == "r1"
    assert PAGE.exists()


def test_of_long_work_it_is_told_how_far_it_is(
    project: Project, capfd: Printed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("docmill.flows.cli.html_report.TELL_EVERY_S", 0)
    plant_texts(project, {"a": TEXT, "b": TEXT})
    _page(project)
    printed = capfd.readouterr()
    assert printed.err == "reading the documents again: 1 of 2\nreading the documents again: 2 of 2\n"
    assert printed.out == "report.html\n"


@pytest.mark.parametrize("file", ["-", "in", "/dev/null", "nowhere/report.html"])
def test_what_cannot_be_written_is_a_wrong_configuration(project: Project, capfd: Printed, file: str):
    plant_texts(project, {"a": TEXT})
    assert project.run("report", "p.yaml", f"--html={file}") == 2
    assert "--html: " in capfd.readouterr().err
    assert Path("/dev/null").is_char_device()


def test_a_page_takes_the_place_of_the_one_before_only_as_a_whole(project: Project):
    plant_texts(project, {"a": TEXT})
    PAGE.write_text("before")

    def failing() -> Iterator[Any]:
        yield from ()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        page.write(PAGE, {}, failing(), "no source", listed=True, tell=lambda read, total: None)
    assert PAGE.read_text() == "before"
    assert [each.name for each in Path().iterdir() if each.name.startswith(".docmill-")] == []
    Path("link.html").symlink_to(PAGE)
    assert project.run("report", "p.yaml", "--html", "link.html") == 0
    assert PAGE.read_text().startswith("<!doctype html>")


def test_costs_are_called_by_list_prices_unless_the_endpoint_has_its_own(project: Project):
    plant_texts(project, {"a": TEXT})
    assert "by list prices" not in _page(project)  # the run cost nothing
    tell("sqlite:///results.db", "update docmill_runs set cost_usd = 0.5")
    assert '<dd>$0.50</dd><dd class="more">by list prices</dd>' in _page(project)
    endpoint = "{base_url: 'http://127.0.0.1:9/v1', prices: {input: 1, output: 2}}"
    project.pipeline(endpoint, "  - extract: {schema: thing}\n")
    assert "by list prices" not in _page(project)
    tell("sqlite:///results.db", "update docmill_runs set cost_usd = null")
    assert '<dd>unknown</dd><dd class="more">no price is known for a model</dd>' in _page(project)


def test_the_policy_lets_its_own_style_and_script_alone_work(project: Project):
    plant_texts(project, {"a": TEXT})
    found = Skeleton(_page(project))
    [policy] = [
        dict(attrs)["content"]
        for tag, attrs in found.elements
        if "Content-Security-Policy" in dict(attrs).values()
    ]
    [style] = [held for attrs, held in found.held if not attrs and "color-scheme" in held]
    [script] = [held for attrs, held in found.held if not attrs and "use strict" in held]
    assert policy == (
        f"default-src 'none'; img-src data:; style-src '{_sha256(style)}'; script-src '{_sha256(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    for tag, attrs in found.elements:
        assert not {"src", "style", "srcset", "action"} & dict(attrs).keys(), tag
        assert not any(name.startswith("on") for name, _ in attrs), tag
        assert re.fullmatch(r"#/\d+", dict(attrs).get("href") or "#/0"), tag


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@pytest.mark.slow
def test_a_page_is_written_without_prefect(project: Project):
    plant_texts(project, {"a": TEXT})
    codes, _ = without_prefect(["report", "p.yaml", "--html", str(PAGE)])
    assert codes == [0]
    assert PAGE.exists()
