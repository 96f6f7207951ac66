"""A run's report: what it says, and that no name and no reason in it is more than text."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from docmill.flows.observe.artifact import MOST_CHARS, WORD_JOINER, escaped, markdown
from docmill.flows.observe.highlights import MOST_LISTED, Highlights
from docmill.flows.pipeline.checked import checked
from docmill.flows.pipeline.plan import Plan, StepPlan, resolve
from docmill.schemas.decision import Waiting
from docmill.schemas.document import Unread
from docmill.schemas.money import money
from docmill.schemas.outcome import Outcome, Run
from docmill.schemas.pipeline import Into, Pipeline
from docmill.schemas.timeline import Timeline
from docmill.tasks.sources.files import Files
from tests.support.browser import opened
from tests.support.project import Project

BEGUN = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOSTILE = [
    "a|b||c\\|d\\",
    "`code` ``two`` ```mermaid",
    "two\nlines\r\n| three | four |",
    "<script>document.title='owned'</script><img src=x onerror=alert(1)>",
    "[click](http://evil.example/a) ![picture](http://evil.example/b)",
    "<http://evil.example/c> https://evil.example/d ftp://evil.example/e HTTP://EVIL.EXAMPLE",
    "www.evil.example WWW.evil.example/f me@evil.example mailto:me@evil.example",
    "\x00\x07\x1b[31m\x7f\u0085\u2028\u2029",
    "\u202egnp.exe\u202c \u2066right\u2069 \u200f",
    "*bold* **bold** _it_ ~~gone~~ $x^2$ # head > quote &lt;b&gt; &#60;b&#62;",
    "long " * 2000,
    "[ref]: http://evil.example [^1] :smile: - [ ] x",
]
LINKS = (
    re.compile(r"(?i)(https?://|ftp://|www(?=\.))[-.\w]+", re.ASCII),
    re.compile(r"[-.\w+]+@[-\w]+(\.[-\w]+)+", re.ASCII),
)


@pytest.fixture
def plan(project: Project) -> Plan:
    """Give a plan of three steps, whose label chooses one of two schemas."""
    project.schema("other", {"name": "other", "description": "O", "parameters": {"type": "object"}})
    extract = {"by": "classify", "schemas": {"a": "thing", "b": "other"}}
    steps: list[dict[str, Any]] = [
        {"summarize": {}},
        {"classify": {"labels": {"a": "the first", "b": "the second"}}},
        {"extract": extract},
    ]
    whole = {"name": "p", "documents": "in/*", "endpoint": "302ai", "model": "m", "steps": steps}
    return resolve(checked(Pipeline.model_validate(whole)))


def ended(**changes: Any) -> Run:
    common: dict[str, Any] = {"run_id": "r1", "pipeline": "p", "pipeline_sha256": "", "endpoint": "e"}
    common |= {"model": "m", "started_at": BEGUN, "ended_at": BEGUN + timedelta(seconds=75)}
    return Run(**common | {"state": "incomplete"} | changes)


def outcome(document_id: str = "in/a", status: Any = "failed", **changes: Any) -> Outcome:
    return Outcome(document_id=document_id, uri="u", content_sha256=None, status=status, **changes)


def gathered(outcomes: Iterable[Outcome]) -> Highlights:
    highlights = Highlights()
    for each in outcomes:
        highlights.take(each)
    return highlights


class Shown(HTMLParser):
    """What rendered Markdown comes to: its tags, its texts and its tables' rows."""

    def __init__(self, report: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.rows: list[list[str]] = []
        self._cell: list[str] | None = None
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(report))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element's beginning."""
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        """Take an element's end."""
        if tag in ("td", "th") and self._cell is not None:
            self.rows[-1].append("".join(self._cell))
            self._cell = None

    def handle_data(self, data: str) -> None:
        """Take a text."""
        self.texts.append(data)
        if self._cell is not None:
            self._cell.append(data)


def as_shown(text: str) -> str:
    """Write a text as a report has to show it."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= MOST_CHARS else f"{line[:MOST_CHARS]}…"


def cells(report: str, heading: str) -> list[list[str]]:
    """Give the rows of the table below a heading, but for its head."""
    part = report.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [[cell.replace(WORD_JOINER, "") for cell in row] for row in Shown(part).rows[1:]]


def test_what_is_done_in_part_is_counted(plan: Plan):
    unread = (Unread(part="page <3>", why="w"),)
    report = markdown(plan, ended(), gathered([outcome(status="done", unread=unread)] * 2), None, 2)
    assert "\n2 done with parts that could not be read, as `unread: allow` says" in report
    assert "page" not in report
    assert "could not be read" not in markdown(plan, ended(), gathered([outcome(status="done")]), None)


def test_what_waits_in_review_is_told_with_the_command(plan: Plan):
    report = markdown(plan, ended(), Highlights(), None, 0, Waiting(of_run=2, in_all=3))
    assert "\n3 wait in review, 2 of this run and 1 of earlier ones: `docmill review p`\n" in report
    assert "in review" not in markdown(plan, ended(), Highlights(), None)


def assert_is_text(document_id: str, reason: str, plan: Plan) -> None:
    failed = outcome(document_id, reason=reason, seconds=1.0, cost_usd=0.5)
    report = markdown(plan, ended(), gathered([failed, outcome("last", reason="the last")]), f"why {reason}")
    shown = Shown(report)
    plain = Shown(markdown(plan, ended(), gathered([outcome(seconds=1.0, cost_usd=0.5), outcome()]), "why"))
    assert shown.tags == plain.tags
    assert not [text for text in shown.texts for link in LINKS if link.search(text)]
    assert cells(report, "Not done") == [
        [as_shown(document_id), "failed", as_shown(reason)],
        ["last", "failed", "the last"],
    ]
    assert cells(report, "Slowest") == [[as_shown(document_id), "1.0 s"]]
    assert cells(report, "Dearest") == [[as_shown(document_id), money(0.5, estimated=False)]]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_or_reason_is_shown_as_it_is(text: str, plan: Plan):
    assert_is_text(text, text, plan)


PIECES = st.sampled_from(
    ["http://", "www.", "a@e.x", "@", "e.x", *"|`\\<>&[]()!*_~#$^:;.-+= \n\t\"'ax1\u202e"]
)


@given(st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text(max_size=20)))
def test_any_text_in_a_cell_is_shown_as_it_is(text: str):
    shown = Shown(f"| a | b |\n| - | - |\n| {escaped(text)} | last |\n")
    assert shown.tags == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert [cell.replace(WORD_JOINER, "").strip() for cell in shown.rows[1]] == [as_shown(text), "last"]
    assert not [found for link in LINKS if (found := link.search(shown.rows[1][0]))]


@given(st.text())
def test_what_makes_no_link_can_be_copied(text: str):
    if not any(mark in text for mark in ("@", "//", "www", "WWW")):
        assert WORD_JOINER not in escaped(text) or WORD_JOINER in text


def hostile_plan(plan: Plan) -> Plan:
    """Give a plan whose names all try to end a label and to begin a node, a link or an element."""
    name = 'x"]; click s0 href "javascript:alert(1)"\n```\n<img src=x onerror=alert(1)> | end'
    steps = tuple(
        StepPlan(
            f"{step.id}{name}", step.kind, step.options, tuple(f"{need}{name}" for need in step.needs), "", ()
        )
        for step in plan.steps[:2]
    )
    last = replace(plan.steps[2], needs=(steps[-1].id,))
    tools = {"thing": plan.tools["thing"], "other": plan.tools["thing"]}
    into = Into(url="sqlite:///r.db", table=name[:60])
    return replace(plan, steps=(*steps, last), source=Files((name,)), into=into, tools=tools)


def test_hostile_names_end_no_label_of_the_picture(plan: Plan):
    report = markdown(hostile_plan(plan), ended(), Highlights(), None)
    picture = report.partition("```mermaid\n")[2].partition("\n```")[0]
    node, label = r"(source|[st]\d+)", r"[\w ./,*#;-]*"
    box = rf'\[(\("{label}"\)|"{label}")\]'
    line = re.compile(rf"flowchart LR|  {node}({box}| --> {node}({box})?)")
    assert [each for each in picture.splitlines() if not line.fullmatch(each)] == []
    assert "img" not in Shown(report).tags


def test_the_picture_has_the_steps_edges_and_the_tables(plan: Plan):
    picture = markdown(plan, ended(), Highlights(), None).partition("```mermaid\n")[2].partition("```")[0]
    assert picture.splitlines() == [
        "flowchart LR",
        '  source[("in/*")]',
        '  s0["summarize"]',
        '  s1["classify"]',
        '  s2["extract"]',
        "  source --> s0",
        "  s0 --> s1",
        "  s1 --> s2",
        '  s2 --> t0[("p__thing")]',
        '  s2 --> t1[("p__other")]',
    ]


def test_it_says_counts_cost_tokens_time_and_where_the_results_are(plan: Plan):
    numbers = {"calls": 1234, "attempts": 1300, "cached_calls": 7, "cost_usd": 1.5}
    tokens = {"prompt_tokens": 1_000_000, "completion_tokens": 2_000}
    run = ended(documents_in=3, counts={"done": 2, "failed": 1}, **numbers, **tokens)
    into = plan.into.model_copy(update={"url": "postgresql://me:secret@db.example/r"})
    report = markdown(replace(plan, into=into), run, gathered([outcome(reason="it is empty")]), "a full disk")
    shown = " ".join(Shown(report).texts).replace(WORD_JOINER, "")
    for said in (
        "p: incomplete",
        "3 documents: 2 done, 1 failed",
        "a full disk",
        money(1.5, estimated=False, listed=True),
        "1,234 in 1,300 attempts, 7 from the cache",
        "1,000,000 read, 2,000 written",
        "75 s from 2026-01-31 12:00:00 UTC",
        "e, m",
        "it is empty",
        "postgresql+psycopg://me:***@db.example/r",
        "p__thing",
        "docmill_outcomes",
        "docmill report p --run r1",
    ):
        assert said in shown
    assert "secret" not in report


def test_a_run_without_documents_has_no_empty_tables(plan: Plan):
    report = markdown(plan, ended(state="complete"), Highlights(), None)
    assert re.findall("^## (.*)", report, re.MULTILINE) == ["Pipeline", "Results"]
    assert "**0 documents**" in report


@pytest.mark.slow
def test_it_lists_so_many_and_says_how_many_more(plan: Plan):
    highlights = gathered(outcome(f"in/{number}", reason="r") for number in range(MOST_LISTED + 1234))
    report = markdown(plan, ended(), highlights, None)
    assert len(cells(report, "Not done")) == MOST_LISTED
    assert "\n1,234 more: `docmill report` lists them all.\n" in report


@pytest.mark.browser
def test_prefect_draws_no_link_and_no_element_of_what_is_hostile(
    plan: Plan, prefect_api: str, tmp_path: Path
):
    outcomes = [outcome(text, reason=text, seconds=1.0, cost_usd=0.5) for text in HOSTILE]
    report = markdown(hostile_plan(plan), ended(), gathered(outcomes), HOSTILE[5])
    artifact = {"key": "hostile", "type": "markdown", "data": report}
    reply = httpx.post(f"{prefect_api}/artifacts/", json=artifact).raise_for_status().json()
    for version in ("", "v2/"):
        url = f"{prefect_api.removesuffix('api')}{version}artifacts/artifact/{reply['id']}"
        page = opened(url, tmp_path, f"hostile-{version.strip('/') or 'v1'}", "Every reason in full")
        assert "document.title='owned'" in page.text
        assert not re.search(r"(?i)<(a|img)\b[^>]*(evil|onerror|javascript|mailto)", page.dom)
        assert "<title>owned" not in page.dom
    assert "classify" in " ".join(page.elements("svg"))


def test_the_limit_that_held_the_run_back_is_named(plan: Plan):
    run = ended()
    held = Timeline(held_back={"tokens": 0.62 * run.seconds()})
    report = markdown(plan, run, Highlights(), None, timeline=held)
    assert "| limit | held back by tokens a minute 62 % of the time |" in report
    assert "| limit |" not in markdown(plan, run, Highlights(), None)


def test_the_time_of_a_run_is_drawn_by_what_it_did(plan: Plan):
    time = Timeline(slot_s=2, calls=(1, 0, 8), refused=(0, 0, 0), tokens=(100, 0, 800), usd=(0.0, 0.0, 0.5))
    report = markdown(plan, ended(), Highlights(), None, timeline=time)
    assert "calls  ▂ █  8 in 2 s at most\ntokens ▂ █  800 in 2 s at most\nUSD      █  $0.50 in" in report
    assert "429s" not in report
    assert "## Time" not in markdown(plan, ended(), Highlights(), None)


def test_refusals_have_a_line_of_their_own(plan: Plan):
    time = Timeline(slot_s=2, calls=(1, 0, 8), refused=(0, 4, 1), tokens=(100, 0, 800), usd=(0.0, 0.0, 0.5))
    drawn = markdown(plan, ended(), Highlights(), None, timeline=time).partition("## Time")[2]
    assert "\n429s    █▃  4 in 2 s at most\n" in drawn
