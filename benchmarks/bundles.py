"""How well bundles are divided: `python -m benchmarks.bundles [COUNT]` makes PDFs of several documents.

They are the same at every call. A stand-in looks at each page as a model is asked to, and knows nothing but
the page: one with a letterhead, a date and an addressee or title is a first page to it, whatever it really
is. Hard ones hold what nobody can tell for sure: annexes, and pages that are missing. F1 is that of the pages
on which a document begins, without the first page of each file.
"""

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from docmill.schemas.bundle import Pages
from docmill.schemas.document import Document
from docmill.schemas.endpoint import Endpoint, Target
from docmill.schemas.steps import Label
from docmill.tasks.checks.boundaries import Range, Stretch, divided
from docmill.tasks.checks.page_signs import Said
from docmill.tasks.checks.request import parsed
from docmill.tasks.sources.files import document_of
from docmill.tasks.sources.parsing import pool
from docmill.tasks.sources.slices import page_texts
from docmill.tasks.steps.split import KIND
from tests.support.documents import pdf

COUNT, SEED = 100, 20
MOST_DOCUMENTS, MOST_PAGES = 8, 5
SAME_SENDER, BLANK = 0.3, 0.1  # of documents that follow one of theirs, and that end in an empty page
# What a document's pages show: its head on the first alone, or on each; page numbers; no head at all.
SHAPES = {
    "a head, no numbers": 4,
    "a head, numbered": 4,
    "a head on each page, numbered": 2,
    "a head on each page, no numbers": 1,
    "no head, no numbers": 1,
}
# What is as well one as the other: pages behind the last by number, a page that is missing, a head once more.
HARD = {
    "numbered, with an annex": 1,
    "numbered, a page missing": 1,
    "a head, numbered": 1,
    "no head, no numbers": 1,
}
TITLES = {"invoice": "Invoice", "letter": "Dear Sir or Madam,", "statement": "Statement of account"}
SAYING = {
    "invoice": "Net amount and tax are payable within fourteen days.",
    "letter": "We look forward to hearing from you.",
    "statement": "The balance is carried forward.",
}
TELLING = 0.8  # of pages that say by a sentence of what kind they are
SENDERS = ("Pier Road Bakery", "Quillon Timber Works", "Harbour Lane Studio", "Northern Mill Ltd", "Ada & Co")
SENTENCES = (
    "The goods listed below were delivered in good order.",
    "Any claim has to be made in writing within fourteen days of receipt.",
    "We thank you for your order and look forward to the next one.",
    "What is not paid by then bears interest as agreed between us.",
    "The parts named above stay our property until they are paid for.",
    "Please find the particulars in the table on the page that follows.",
)
TARGET = Target(name="x", endpoint=Endpoint(base_url="http://localhost/v1"), model="m", identity="x")
PLAIN = "`split: true`"
DATE = re.compile(r"\b\d{1,2} (?:March|April|May) 2031\b")


@dataclass
class Score:
    """Starts that were found, that are wrong, that were missed; bundles that are right as a whole."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    whole: int = 0
    bundles: int = 0
    missed_of: Counter[str] = field(default_factory=Counter)
    wrong_in: Counter[str] = field(default_factory=Counter)
    documents: Counter[tuple[bool, bool]] = field(default_factory=Counter)  # by: is it right, is it in doubt

    def add(self, bundle: "Bundle", stretches: list[Stretch]) -> None:
        """Hold a division against what a bundle holds."""
        found = [(each.first, each.last) for each in stretches]
        self.documents.update(
            (pages in bundle.documents, bool(each.doubts))
            for pages, each in zip(found, stretches, strict=True)
        )
        starts, meant = ({first for first, _ in each if first > 1} for each in (found, bundle.documents))
        self.right += len(starts & meant)
        self.wrong, self.missed = self.wrong + len(starts - meant), self.missed + len(meant - starts)
        self.bundles, self.whole = self.bundles + 1, self.whole + (found == bundle.documents)
        for start in starts ^ meant:
            shape = next(
                each for (a, b), each in zip(bundle.documents, bundle.shapes, strict=True) if a <= start <= b
            )
            (self.missed_of if start in meant else self.wrong_in)[shape] += 1

    @property
    def f1(self) -> float:
        """The harmonic mean of how many of those found are right, and of those there are found."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed)

    def line(self) -> str:
        """Write it as a row of a table."""
        precision, recall = self.right / (self.right + self.wrong), self.right / (self.right + self.missed)
        return f"{precision:.1%} | {recall:.1%} | {self.f1:.1%} | {self.whole} of {self.bundles}"

    def doubted(self) -> str:
        """Write what is in review as a row of a table: how many of the wrong, and of the right documents."""
        of = self.documents
        wrong, right = (of[is_right, True] + of[is_right, False] for is_right in (False, True))
        return f"{of[False, True]} of {wrong} | {of[True, True]} of {right}"


@dataclass(frozen=True)
class Bundle:
    """A file's bytes, the pages of each of its documents, and what these show."""

    content: bytes
    documents: list[Range]
    shapes: list[str]


def bundles(count: int, shapes_of: dict[str, int] = SHAPES) -> Iterator[Bundle]:
    """Make bundles; the same number gives the same ones."""
    draw = random.Random(SEED)
    for _ in range(count):
        pages: list[str] = []
        documents, shapes = list[Range](), list[str]()
        sender = draw.choice(SENDERS)
        for _ in range(draw.randint(2, MOST_DOCUMENTS)):
            sender = sender if draw.random() < SAME_SENDER else draw.choice(SENDERS)
            [shape] = draw.choices(list(shapes_of), list(shapes_of.values()))
            begin = len(pages) + 1
            pages += _document(draw, sender, shape)
            documents.append((begin, len(pages)))
            shapes.append(shape)
        yield Bundle(pdf(*pages), documents, shapes)


def _document(draw: random.Random, sender: str, shape: str) -> Iterator[str]:
    kind = draw.choice(list(TITLES))
    day = f"{draw.randint(1, 28)} {draw.choice(('March', 'April'))} 2031"
    pages = draw.randint(1, MOST_PAGES)
    for number in range(1, pages + 1):
        lines = list[str]()
        if "missing" in shape and number == 2:
            continue
        if "on each page" in shape or (number == 1 and "no head" not in shape):
            lines += [sender, "1 Quay Street, Portlow", "", day, ""]
        if number == 1 and "no head" not in shape:
            lines += [f"To: {draw.choice(SENDERS)}", TITLES[kind], ""]
        lines += draw.choices(SENTENCES, k=draw.randint(5, 20))
        lines += [SAYING[kind]] if draw.random() < TELLING else []
        if "numbered" in shape:
            lines += ["", draw.choice((f"Page {number} of {pages}", f"{number} / {pages}"))]
        yield "\n".join(lines)
    if "annex" in shape:
        yield "\n".join(draw.choices(SENTENCES, k=20))
    if draw.random() < BLANK:
        yield ""


def stand_in(request: dict[str, Any]) -> dict[str, Any]:
    """Answer of a page what can be seen on it alone."""
    page = request["messages"][-1]["content"].split("<document>\n")[1].split("\n</document>")[0]
    top = page.split("\n")[:6]
    sender = next((each for each in SENDERS if each in top), None)
    title = next((kind for kind, words in TITLES.items() if words in page.split("\n")), None)
    signs = [sender is not None, any(map(DATE.search, top)), title is not None]
    number = re.search(r"^(?:Page )?(\d+) (?:of|/) \d+$", page, re.MULTILINE)
    said = {"page": "first" if sum(signs) > 1 else "later", "number": int(number[1]) if number else None}
    kind = next((kind for kind, words in SAYING.items() if words in page), title)
    return {**said, "sender": sender, "kind": kind}


def said_of(document: Document, options: Pages) -> list[Said | None]:
    """Ask the stand-in about each page that has a text, by the request that a run makes."""
    answers: list[Said | None] = []
    for text in page_texts(document):
        if not text:
            answers.append(None)
            continue
        tool = KIND.tool(options, None)
        told = stand_in(parsed(KIND.request(text, options, tool, TARGET)))
        kind = told["kind"] if options.labels else None
        answers.append(Said(told["page"] == "first", told["number"], told["sender"], kind))
    return answers


def measured(count: int, shapes: dict[str, int] = SHAPES) -> dict[str, Score]:
    """Divide bundles by what is said of their pages, in three ways."""
    labelled = Pages(labels={kind: Label() for kind in TITLES})
    scores = {name: Score() for name in ("what a page is said to be", PLAIN, "`split` with `labels`")}
    with pool.kept():
        for bundle in bundles(count, shapes):
            document = document_of(bundle.content, "scan.pdf", "scan.pdf", "file:///scan.pdf")
            texts, plain, more = page_texts(document), said_of(document, Pages()), said_of(document, labelled)
            alone = [each and Said(each.begins) for each in plain]
            by_word = divided(["x" if text else "" for text in texts], alone)
            ways = (by_word, divided(texts, plain), divided(texts, more))
            for score, found in zip(scores.values(), ways, strict=True):
                score.add(bundle, found)
    return scores


def main() -> None:
    """Print what came of it."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    scores, hard = measured(count), measured(count, HARD)
    print("| boundaries by | precision | recall | F1 | files right as a whole |")  # noqa: T201
    print("| --- | ---: | ---: | ---: | ---: |")  # noqa: T201
    for name, score in scores.items():
        print(f"| {name} | {score.line()} |")  # noqa: T201
    score = scores[PLAIN]
    print("\n| documents with | starts missed | wrong starts within |")  # noqa: T201
    print("| --- | ---: | ---: |")  # noqa: T201
    for shape in SHAPES:
        print(f"| {shape} | {score.missed_of[shape]} | {score.wrong_in[shape]} |")  # noqa: T201
    print("\n| documents in review | of the wrong ones | of the right ones |")  # noqa: T201
    print("| --- | ---: | ---: |")  # noqa: T201
    for name, each in (
        *list(scores.items())[1:],
        *((f"{name}, hard", hard[name]) for name in list(hard)[1:]),
    ):
        print(f"| {name} | {each.doubted()} |")  # noqa: T201


if __name__ == "__main__":
    main()
