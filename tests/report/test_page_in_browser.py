"""The page in Debian's chromium: hostile documents do nothing, evidence is marked, a thousand are usable."""

import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from docmill.flows.evaluate.evaluation import Evaluation
from docmill.flows.evaluate.kept import figures
from docmill.flows.evaluate.scores import Cell, Judgement
from docmill.flows.report import page
from docmill.schemas.document import Document
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.results import Results
from docmill.tasks.sources.files import FileRef, Files, listed
from tests.report.test_html import PAGE, Skeleton
from tests.support.devtools import Tab, browsing, pictured
from tests.support.documents import pdf
from tests.support.planted import evidence, outcome, plant, plant_texts
from tests.support.project import Project
from tests.support.tickets import tell

pytestmark = pytest.mark.browser

ATTACKS = {
    "script": "</script><script>window.hacked = 1; alert(1)</script>",
    "image": "<img src=x onerror='window.hacked = 1'><svg onload=alert(1)>",
    "template": "{{ 7 * 7 }} {% raw %} {# #} ${window.hacked = 1} `${alert(1)}`",
    "comment": "<!-- <script> --><!--<script><!-- ]]> <![CDATA[ <?php",
    "quotes": """\"' onmouseover="window.hacked=1" autofocus onfocus='alert(1)' x=`""",
    "frame": "<iframe src='http://127.0.0.1:9/'></iframe><base href='http://127.0.0.1:9/'>",
    "style": "</style><style>* { display: none }</style><title>hacked</title></title></textarea></pre>",
    "refresh": "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "lines": "a\u2028b\u2029c\u0085d\ufeffe",
    "direction": "\u202eevil\u202c \u2067\u05d0\u05d1\u2069 \u200fx",
    "entities": "& &lt;script&gt; &#60;b&#62; &amp;lt; &nbsp &copy",
    "controls": "a\x01b\x08c\x0bd\x1be\x7ff\x9bg",
    "json": '\\u003c/script\\u003e \\"}]} \\ud800 \\',
    "prototype": "__proto__ constructor toString",
}
WAIT = "new Promise((done) => setTimeout(done, 50))"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browsing(tmp_path_factory.mktemp("chromium")) as tab:
        yield tab


def _written(project: Project) -> str:
    assert project.run("report", "p.yaml", "--html", str(PAGE)) == 0
    return PAGE.absolute().as_uri()


def _show(tab: Tab, number: int) -> None:
    tab.run(f"location.hash = '#/{number}'; {WAIT}")


def _plant_attacks(project: Project, attacks: dict[str, str]) -> list[str]:
    """Plant each attack as text, name, label, summary, error, record's value and record's field."""
    project.pipeline("http://127.0.0.1:9/v1", "  - extract: {schema: thing}\n")
    written = []
    for number, attack in enumerate(attacks.values()):
        text = f"{attack} and so on {attack}" + " and much that is harmless" * 9
        project.documents(**{f"d{number:02}": text})
        [ref] = listed((f"in/d{number:02}.txt",))
        start = ref.read().text.index("and so on")  # reading may clean a text
        found = outcome(
            Path(f"in/d{number:02}.txt"),
            label=f"{number:02}{attack}",
            summary=attack,
            error=attack,
            unread=[{"part": attack, "why": attack}],
            record={attack: attack, "nested": [{attack: attack}], "__proto__": attack},
            evidence=[
                {
                    "path": "nope" + attack,
                    "page": None,
                    "start": start,
                    "end": start + 9,
                    "quote": "and so on",
                }
            ],
        )
        steps = {attack: next(iter(found.steps.values())).model_copy(update={"output": {attack: [attack]}})}
        written.append(found.model_copy(update={"steps": steps, "uri": attack}))
    ids = [f"{each.document_id}{attack}" for each, attack in zip(written, attacks.values(), strict=True)]
    renamed = [each.model_copy(update={"document_id": id_}) for each, id_ in zip(written, ids, strict=True)]
    plant([*written, *renamed])
    return ids


def test_a_hostile_document_adds_no_element_and_no_attribute(project: Project):
    _plant_attacks(project, dict.fromkeys(ATTACKS, "x"))
    _written(project)
    harmless = Skeleton(PAGE.read_text())
    Path("results.db").unlink()
    _plant_attacks(project, ATTACKS)
    _written(project)
    hostile = Skeleton(PAGE.read_text())
    assert hostile.elements == harmless.elements
    assert [attrs for attrs, _ in hostile.held] == [attrs for attrs, _ in harmless.held]


OUTLINE = """
JSON.stringify([...document.querySelectorAll("*")].map((each) => [each.tagName, each.getAttributeNames()]))
"""


def test_a_hostile_document_does_nothing_in_the_browser(project: Project, tab: Tab):
    outlines: list[list[Any]] = []
    for attacks in (dict.fromkeys(ATTACKS, "x"), ATTACKS):
        Path("results.db").unlink(missing_ok=True)
        ids = _plant_attacks(project, attacks)
        url = _written(project)
        tab.open(url)
        outlines.append([tab.run(OUTLINE)])
        total = tab.run("document.querySelectorAll('#rows tr').length")
        assert total == 2 * len(ATTACKS)
        for number in range(total):
            _show(tab, number)
            assert tab.run("document.title").endswith("p: docmill report")
            outlines[-1].append(tab.run(OUTLINE))
        assert set(ids) <= set(
            tab.run("[...document.querySelectorAll('#rows bdi')].map((e) => e.textContent)")
        )
    harmless, hostile = outlines
    assert len(harmless) == len(hostile)
    assert hostile[0] == harmless[0]
    # The names order the documents in each of the two, so the views come in another order.
    assert sorted(hostile) == sorted(harmless)
    assert tab.run("typeof window.hacked") == "undefined"
    assert tab.run("({}).toString === Object.prototype.toString")
    assert tab.told("Page.javascriptDialogOpening") == []
    assert tab.told("Log.entryAdded") == []  # no violation of the policy was even tried
    assert tab.told("Runtime.exceptionThrown") == []
    assert {each["request"]["url"].partition("#")[0] for each in tab.told("Network.requestWillBeSent")} == {
        url
    }


MARKED = {
    "plain": ("Invoice 88213 of May", ["88213"]),
    "CJK": ("請求書番号 株式会社山田製作所 金額 １２３円", ["株式会社山田製作所", "１２３"]),
    "astral": ("😀🎉 no. 𝟙𝟚𝟛 for 👩‍👩‍👧 and 𠮷野家 too", ["𝟙𝟚𝟛", "𠮷野家"]),
    "combining": ("Cafe\u0301 Zoe\u0308 n\u0303 total e\u0301e\u0301", ["Zoe\u0308", "e\u0301e\u0301"]),
    "right to left": ("חשבונית 4711 לכבוד דנה כהן بمبلغ ١٢٣ ريال", ["4711", "דנה כהן", "١٢٣"]),
    "over a line": ("from Miller\nand Sons Ltd, at\tonce", ["Miller\nand Sons Ltd"]),
    "markup": ("a <b>bold</b> & \"b\" 'c' offer", ["<b>bold</b>", "& \"b\" 'c'"]),
}
MARKS = "[...document.querySelectorAll('#one mark')].map((each) => [each.title, each.textContent])"


@pytest.mark.parametrize(("text", "quotes"), MARKED.values(), ids=MARKED)
def test_marks_are_what_the_evidence_quotes(project: Project, tab: Tab, text: str, quotes: list[str]):
    fields = {f"f{number}": quote for number, quote in enumerate(quotes)}
    plant_texts(project, {"a": text}, record=fields, evidence=evidence(text, **fields))
    tab.open(f"{_written(project)}#/0")
    assert tab.run(MARKS) == [[name, quote] for name, quote in fields.items()]
    assert tab.run("document.querySelector('#one .text pre').textContent") == text
    assert unicodedata.is_normalized("NFC", text) or "\u0301" in text  # nothing on the way composes it


def test_evidence_that_overlaps_belongs_to_each_field(project: Project, tab: Tab):
    text = "total 1,130.50 EUR"
    told = evidence(text, amount="1,130.50", price="1,130.50 EUR", same="1,130.50")
    plant_texts(project, {"a": text}, record={"amount": 1, "price": 2, "same": 3}, evidence=told)
    tab.open(f"{_written(project)}#/0")
    assert tab.run(MARKS) == [["amount, price, same", "1,130.50"], ["price", " EUR"]]


UNREAD = "[...document.querySelectorAll('#one .text .unread li')].map((each) => each.textContent)"


def test_what_was_not_read_stands_beside_the_text_and_no_reader_can_miss_it(project: Project, tab: Tab):
    unread = [{"part": f"page {number} <b>{number}</b>", "why": "why & how"} for number in (3, 7)]
    plant_texts(project, {"a": "one two", "b": "all of it"}, status="review", unread=unread)
    tell("sqlite:///results.db", "update docmill_outcomes set unread = '[]' where document_id = 'in/b.txt'")
    tab.open(f"{_written(project)}#/0")
    assert tab.run(UNREAD) == [f"page {number} <b>{number}</b>: why & how" for number in (3, 7)]
    assert tab.run("document.querySelector('#one .unread p').textContent") == (
        "2 parts of the document could not be read:"
    )
    assert tab.run("document.querySelector('#one .unread').getBoundingClientRect().height") > 40
    assert tab.run("document.querySelector('#one .text pre').textContent") == "one two"
    _show(tab, 1)
    assert tab.run("document.querySelector('#one .unread')") is None


class Paged(Files):
    """A source of one document of three pages."""

    @contextmanager
    def opened(self) -> Iterator[Iterator[Any]]:
        """List the document."""
        with super().opened() as refs:
            yield (PagedRef(ref.document_id, ref.uri, ref.path) for ref in refs)


class PagedRef(FileRef):
    """The document, whose pages begin with their first words."""

    def read(self) -> Document:
        """Read it."""
        document = super().read()
        starts = tuple(document.text.index(word) for word in ("one", "two", "three"))
        return document.model_copy(update={"page_starts": starts})


def test_pages_are_told_between_the_text_and_are_no_part_of_it(project: Project, tab: Tab):
    text = "one 11\ntwo 22\nthree 33"
    told = [each | {"page": page} for page, each in enumerate(evidence(text, name="11", on="33"), 1)]
    plant_texts(project, {"a": text}, record={"name": "11", "on": "33"}, evidence=told)
    results = Results.read(Into(url="sqlite:///results.db"), "p")
    run = results.last_run()
    assert run is not None
    page.write(PAGE, run, results.outcomes(), Paged(("in/*",)), listed=True, tell=lambda read, total: None)
    results.close()
    tab.open(f"{PAGE.absolute().as_uri()}#/0")
    assert tab.run("document.querySelector('#one .text pre').textContent") == text
    told_pages = "[...document.querySelectorAll('#one .page')].map((each) => each.dataset.said)"
    assert tab.run(told_pages) == ["page 1", "page 2", "page 3"]
    assert tab.run("document.querySelector('.where').textContent") == "in the text, page 1"


def test_a_field_and_its_box_on_the_page_light_each_other(project: Project, tab: Tab):
    project.documents(x="")
    project.pipeline("http://127.0.0.1:9/v1", "  - extract: {schema: thing}\n", documents="in/*.pdf")
    Path("in/a.pdf").write_bytes(pdf("Invoice 88213"))
    told = [{**each, "page": 1} for each in evidence("Invoice 88213", name="88213")]
    plant([outcome(Path("in/a.pdf"), record={"name": "88213"}, evidence=told)])
    tab.open(f"{_written(project)}#/0")
    tab.run(WAIT)
    assert tab.run("document.querySelector('.leaf img').naturalHeight") == 1400
    assert tab.run("document.querySelector('.paper h3').textContent") == "Page 1 of 1"
    assert tab.run("document.querySelectorAll('.box').length") == 1
    tab.run("document.querySelector('.field').dispatchEvent(new MouseEvent('mouseenter'))")
    assert tab.run("document.querySelector('.box').classList.contains('lit')")
    assert tab.told("Log.entryAdded") == []


def test_a_field_and_its_mark_light_each_other(project: Project, tab: Tab):
    text = "Invoice 88213 of May"
    told = evidence(text, name="88213", on=None)
    plant_texts(project, {"a": text}, record={"name": "88213", "on": "x"}, status="review", evidence=told)
    tab.open(f"{_written(project)}#/0")
    lit = "[...document.querySelectorAll('.lit')].map((each) => each.tagName)"
    assert tab.run(lit) == []
    tab.run("document.querySelector('.field button').click()")
    assert tab.run("document.activeElement.tagName") == "MARK"
    assert tab.run(lit) == ["DIV", "MARK"]
    assert tab.run("document.querySelector('.field.missing .where').textContent") == "not found in the text"
    assert "1 value was" in tab.run("document.querySelector('.record .attention').textContent")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_missing_has_another_colour_than_what_is_invented(project: Project, tab: Tab, scheme: str):
    text = "Oak 3\nAsh 4\n"
    told = evidence(text, **{"lines[0].item": "Oak", "name": None})
    record = {"name": "Eve", "lines": [{"item": "Oak"}]}
    missing = [{"path": "lines", "start": 6, "end": 11, "quote": "Ash 4"}]
    plant_texts(project, {"a": text}, record=record, status="review", evidence=told, missing=missing)
    tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.open(f"{_written(project)}#/0")
    tab.run(WAIT)
    look = "(one) => { const at = getComputedStyle(one); return [at.backgroundColor, at.borderColor].join() }"
    invented, left_out, found = (
        tab.run(f"({look})(document.querySelector('{each}'))")
        for each in (".field.missing", "pre mark.row", "pre mark:not(.row)")
    )
    tab.ask("Emulation.setEmulatedMedia", features=[])
    assert len({invented, left_out, found}) == 3
    backgrounds = {each.partition("),")[0] for each in (invented, left_out, found)}
    assert len(backgrounds) == 3
    assert "rgba(0, 0, 0, 0" not in "".join(backgrounds)


def test_labels_and_what_they_were_taken_for_are_a_picture(project: Project, tab: Tab):
    project.pipeline("http://127.0.0.1:9/v1", "  - classify: {labels: {bill: b, offer: o}}\n")
    right = {(name, name): 42 for name in ("invoice", "contract", "complaint")}
    wrong = {("receipt", "invoice"): 9, ("delivery note", "invoice"): 14, ("delivery note", None): 1}
    counts = right | {("receipt", "receipt"): 33, ("delivery note", "delivery note"): 27} | wrong
    pairs = [pair for pair, many in counts.items() for _ in range(many)]
    plant_texts(project, {f"d{number}": "text" for number in range(2)})
    judged = [
        Judgement(document=str(number), named="", status="done", label=cell(wanted, got))
        for number, (wanted, got) in enumerate(pairs)
    ]
    results = Results.read(Into(url="sqlite:///results.db"), "p")
    results.evaluations.keep("r1", "labels.csv", figures(Evaluation.of(judged)), accepted=False)
    results.close()
    tab.open(_written(project))
    rows = tab.run("[...document.querySelectorAll('.confusion tr')].map((row) => row.innerText).join('|')")
    assert rows.split("|") == [
        "\tinvoice\tcontract\tcomplaint\treceipt\tdelivery note\t(none)",
        "invoice\t42\t·\t·\t·\t·\t·",
        "contract\t·\t42\t·\t·\t·\t·",
        "complaint\t·\t·\t42\t·\t·\t·",
        "receipt\t9\t·\t·\t33\t·\t·",
        "delivery note\t14\t·\t·\t·\t27\t1",
    ]
    colour = "(one) => getComputedStyle(one).backgroundColor"
    colours = tab.run(f"[...document.querySelectorAll('.confusion tbody td')].map({colour})")
    assert len(set(colours)) == 5  # right: all, and most; wrong: some, and few; and none
    pictured(tab, "confusion", ".confusion")


def cell(wanted: str, got: str | None) -> Cell:
    return Cell(path="label", field="label", wanted=wanted, got=got)


def _plant_kinds(project: Project) -> str:
    project.documents(a="1", b="2", c="3")
    project.pipeline("http://127.0.0.1:9/v1", "  - extract: {schema: thing}\n")
    a, b, c = (Path("in", f"{name}.txt") for name in "abc")
    plant(
        [
            outcome(a, label="invoice", summary="a bill for Ada", cost_usd=0.03, seconds=9.0),
            outcome(b, "review", label="contract", summary="an agreement", cost_usd=None),
            outcome(c, "failed", error="the model declined", cost_usd=0.2),
        ]
    )
    return _written(project)


SHOWN = """
[...document.querySelectorAll("#rows tr a")].map((each) => each.textContent.at(-5)).join("")
"""
CLICK = "document.querySelector('{}').click();"
FORM = "document.forms[0].elements.{}.value = '{}'; document.forms[0].dispatchEvent(new Event('input'));"


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (CLICK.format("[value=review]"), "b"),
        (CLICK.format("[value=review]") + CLICK.format("[value=failed]"), "bc"),
        (FORM.format("label", 1), "a"),
        (FORM.format("text", "BILL ada"), "a"),
        (FORM.format("text", "declined"), "c"),
        (FORM.format("text", "in/b"), "b"),
        (FORM.format("text", "nothing of that"), ""),
        (CLICK.format("th.cost button"), "cab"),
        (2 * CLICK.format("th.cost button"), "bac"),
        (CLICK.format("th.seconds button"), "abc"),
        (CLICK.format("th.status button"), "acb"),
        (2 * CLICK.format("th.id button"), "cba"),
    ],
)
def test_the_list_is_filtered_and_sorted(project: Project, tab: Tab, act: str, expected: str):
    tab.open(_plant_kinds(project))
    assert tab.run(SHOWN) == "abc"
    tab.run(act)
    assert tab.run(SHOWN) == expected
    assert tab.run("document.getElementById('none').hidden") == bool(expected)


PRESS = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {{key: '{}', bubbles: true}})); {}"
HEADING = "document.querySelector('#one h2').textContent"


def test_the_keys_lead_through_the_documents_that_are_shown(project: Project, tab: Tab):
    tab.open(_plant_kinds(project))
    tab.run(CLICK.format("[value=review]") + CLICK.format("[value=done]"))
    tab.run(f"document.querySelector('#rows a').click(); {WAIT}")
    seen = [tab.run(HEADING)]
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        tab.run(PRESS.format(key, WAIT))
        seen.append(tab.run(HEADING))
    assert seen == ["in/a.txt", "in/b.txt", "in/b.txt", "in/a.txt"]
    tab.run(PRESS.format("Escape", WAIT))
    assert tab.run("document.getElementById('one').hidden")
    assert tab.run("document.activeElement.textContent") == "in/a.txt"
    tab.run(PRESS.format("/", WAIT))
    assert tab.run("document.activeElement.name") == "text"


def test_a_thousand_documents_stay_usable(project: Project, tab: Tab, record_property: Any):
    words = "Invoice of Brennick Valve & Fitting Co. for 24 ball valves, net 30 days. "
    number, chars = 1001, 20_000
    names = [f"d{each:04}" for each in range(number)]
    bodies = {name: (f"no. {name} " + words * 300)[:chars] for name in names}
    project.documents(**bodies)
    project.pipeline("http://127.0.0.1:9/v1", "  - extract: {schema: thing}\n")
    fields = {"name": "Brennick Valve & Fitting Co.", "count": "24"}
    plant(
        outcome(Path("in", f"{name}.txt"), summary=words, label="invoice", record=fields | {"no": name},
                evidence=evidence(text, **fields, no=name))
        for name, text in bodies.items()
    )  # fmt: skip
    begun = time.monotonic()
    url = _written(project)
    write_s = time.monotonic() - begun
    size, texts = PAGE.stat().st_size, sum(len(text.encode()) for text in bodies.values())
    load_s = tab.open(url)
    begun = time.monotonic()
    tab.run(FORM.format("text", "d0777") + "; document.body.offsetHeight")
    filter_s = time.monotonic() - begun
    assert tab.run("document.querySelectorAll('#rows tr').length") == 1
    tab.run(FORM.format("text", ""))
    assert tab.run("document.querySelectorAll('#rows tr').length") == 1000
    tab.run(CLICK.format("#more"))
    assert tab.run("document.querySelectorAll('#rows tr').length") == 1001
    begun = time.monotonic()
    tab.run("document.querySelector('th.id button').click(); document.body.offsetHeight")
    sort_s = time.monotonic() - begun
    begun = time.monotonic()
    _show(tab, 999)
    show_s = time.monotonic() - begun
    assert tab.run("document.querySelectorAll('#one mark').length") == 3
    measured = {"write": write_s, "load": load_s, "filter": filter_s, "sort": sort_s, "show": show_s}
    print(  # noqa: T201  what the machine needed is for the reader
        f"{size / 1e6:.1f} MB of {texts / 1e6:.1f} MB:", {name: round(s, 3) for name, s in measured.items()}
    )
    record_property("seconds", measured)
    assert size < 1.15 * texts
    assert load_s < 10  # a page that grows with the square of its documents takes minutes
    assert max(filter_s, sort_s, show_s) < 5
