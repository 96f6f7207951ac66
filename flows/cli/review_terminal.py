"""`docmill review` in the terminal: one point after the other in its context, decided by a key."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.rule import Rule
from rich.text import Text

from docmill.flows.cli.keys import forget, line, pressed
from docmill.flows.cli.output import console, plain, printable
from docmill.flows.review.case import Case
from docmill.flows.review.context import excerpt
from docmill.flows.review.deciding import Person, Said, decide, seen, written
from docmill.flows.review.documents import Documents, documents
from docmill.flows.review.review import Review
from docmill.schemas.decision import CHANGED, LABEL, MISSING, OF_VALUES, Decision, OpenPoint
from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.source import Source

KEYS = {"a": "accept", "c": "correct", "l": "label", "r": "reject", "s": "skip", "u": "undo", "q": "quit"}
STYLES = {"": "", "evidence": "black on yellow", "row": "white on red"}
MOST_LINES = 12


class Quit(Exception):
    """The person has had enough."""


class Terminal:
    """Goes through what waits; every decision is kept at once, so that it goes on where it was left.

    The decision that makes a document done, or rejects it, waits for Enter: until then it can be undone.
    """

    def __init__(self, review: Review, source: Source | str, by: str, note: str = "") -> None:
        self._review = review
        self._source = source
        self._by = by
        self._note = note
        self._out = console()
        self._made: list[Decision] = []  # of documents that still wait, so that they can be undone
        self._kept = self._ended = 0

    def run(self) -> None:
        """Go through all that waits, until it ends or the person does."""
        cases = self._review.waiting()
        self._say(f"{len(cases):,} in review")
        try:
            with documents(self._source) as texts:
                for number, case in enumerate(cases, 1):
                    self._document(case, f"{number}/{len(cases)}", texts)
        except (Quit, EOFError, KeyboardInterrupt):
            self._say("")
        left = len(self._review.waiting())
        told = f"{self._kept:,} decided, {self._ended:,} no longer waiting, {left:,} in review still"
        self._say(f"{told}: the same command goes on" if left else told, "bold")

    def _document(self, case: Case, place: str, texts: Documents) -> None:
        """Go through the points of a document; those that are skipped are passed over this time."""
        passed: set[tuple[str, str, str]] = set()
        while point := next((each for each in case.points if _id(each) not in passed), None):
            forget()
            self._show(case, point, place, texts)
            try:
                said = self._asked(case, point)
                if isinstance(said, Decision):
                    case, passed = self._taken_back(said, case), set()
                elif said is None:
                    passed.add(_id(point))
                else:
                    case, ended = self._decided(case, said)
                    if ended:
                        return
            except ConfigError as error:
                self._say(str(error), "bold red")
                case = self._review.case(case.document_id)
                if case.row["status"] != "review" or case.row["reviewed_at"]:  # somebody else has decided it
                    return

    def _asked(self, case: Case, point: OpenPoint) -> list[Said] | Decision | None:
        """Wait for a key that does something: what is said, the decision to undo, or None to skip."""
        while True:
            match KEYS.get(pressed().lower()):
                case "accept":
                    return [Said("accept", point.name, note=self._note, seen=seen(point.value))]
                case "correct" | "label" as act:
                    if said := self._corrected(point) if act == "correct" else self._labelled(case):
                        return said
                case "reject":
                    return [Said("reject", note=line("why (Enter for no reason): ") or self._note)]
                case "skip":
                    return None
                case "undo":
                    if last := self._last(case):
                        return last
                    self._say("nothing of this document to undo")
                case "quit":
                    raise Quit

    def _corrected(self, point: OpenPoint) -> list[Said]:
        """Ask for the right value; of a list that lacks rows, for the items to add."""
        if point.about == MISSING:
            typed = line(f"items to add to {_line(point.name)}, as JSON: ", _blank(point))
            return [Said("correct", f"{point.name}/-", text=each, note=self._note) for each in _items(typed)]
        if point.about not in OF_VALUES:
            self._say("this has no value of its own: accept it, or correct a value with --set")
            return []
        value = point.offered if point.about == CHANGED else point.value
        typed = line(f"{_line(point.name)} = ", _typed(value))
        return [] if typed is None else [Said("correct", point.name, text=typed, note=self._note)]

    def _labelled(self, case: Case) -> list[Said]:
        """Ask for the right label of each step that has one; the one that stands is so decided too."""
        said = []
        for step, found in case.records.items():
            if found.is_label:
                names = ", ".join(map(_line, found.tool.parameters["enum"]))
                typed = line(f"{step}, one of {names} = ", _typed(found.record))
                said += [] if typed is None else [Said("correct", f"{step}:{LABEL}", typed, self._note)]
        if not said:
            self._say("no step has given this document a label")
        return said

    def _decided(self, case: Case, said: list[Said]) -> tuple[Case, bool]:
        """Keep a decision; says whether the document no longer waits."""
        person = Person(self._by, datetime.now(UTC))
        if self._review.case(case.document_id).row["content_sha256"] != case.row["content_sha256"]:
            raise ConfigError(f"{case.document_id} has another content by now: look at it again")
        made = decide(case, said, person)
        if end := case.with_decisions(made).end:
            forget()
            self._say(f"{case.document_id} is {end}: Enter writes it, u undoes", "bold")
            if not self._is_confirmed():
                return case, False
        [decided] = self._review.decide({case.document_id: said}, person)
        self._kept += decided.kept
        if not decided.is_waiting:
            self._ended += 1
            return decided.case, True
        self._made += made
        return self._review.case(case.document_id), False

    def _is_confirmed(self) -> bool:
        """Wait for Enter, or for what takes it back; raises Quit, which writes nothing."""
        while (key := pressed().lower()) not in ("\r", "\n"):
            if key == "u":
                return False
            if key == "q":
                raise Quit
        return True

    def _last(self, case: Case) -> Decision | None:
        own = [each for each in self._made if each.document_id == case.document_id]
        stored = own or list(case.holding.decisions)  # those of an earlier time, too
        return stored[-1] if stored else None

    def _taken_back(self, last: Decision, case: Case) -> Case:
        self._review.take_back(last, Person(self._by, datetime.now(UTC)))
        self._made = [each for each in self._made if each is not last]
        self._kept = max(self._kept - 1, 0)
        return self._review.case(case.document_id)

    def _show(self, case: Case, point: OpenPoint, place: str, texts: Documents) -> None:
        out = self._out
        out.print(Rule(plain(f"{place}  {case.document_id}  {len(case.points)} open"), align="left"))
        value = _shown(point)
        out.print(plain(point.name, "bold").append(Text(f"  {value}" if value else "", style="")))
        out.print(Text(printable(point.wrong), style="bold yellow"))
        document = texts.of(case)
        if isinstance(document, str):
            out.print(Text(printable(document), style="dim"))
        else:
            shown = Text()
            for run, kind in excerpt(case, point, document.text):
                shown.append(printable(run), style=STYLES[kind])
            out.print(shown)
        if isinstance(document, str) and point.quote:
            out.print(Text(printable(point.quote)))
        out.print(Text("  ".join(f"{key} {name}" for key, name in KEYS.items()), style="dim"))

    def _say(self, message: str, style: str = "") -> None:
        self._out.print(Text(printable(message), style=style), soft_wrap=True)


def _id(point: OpenPoint) -> tuple[str, str, str]:
    return point.step, point.path, point.about


def _shown(point: OpenPoint) -> str:
    """Write a value for the screen; of a long one its beginning."""
    if point.about not in OF_VALUES:
        return ""
    value = point.value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    lines = printable(text).splitlines()
    more = [f"… {len(lines) - MOST_LINES:,} lines more"] if len(lines) > MOST_LINES else []
    return "\n".join([*lines[:MOST_LINES], *more])


def _typed(value: object) -> str:
    """Write a value as it can be typed again, on one line."""
    text = written(value)
    return text if text.isprintable() else json.dumps(value, ensure_ascii=True)


def _blank(point: OpenPoint) -> str:
    """Write an item without values, as those that are there have them."""
    items = point.value if isinstance(point.value, list) else []
    fields = items[0] if items and isinstance(items[0], dict) else {}
    text = json.dumps(dict.fromkeys(fields), ensure_ascii=False) if fields else ""
    return text if text.isprintable() else ""


def _line(text: str) -> str:
    """Write a name, which may be a key that a model chose, on one line."""
    return plain(text).plain


def _items(typed: str | None) -> Iterator[str]:
    """Read one item, or a list of them."""
    if typed is None:
        return
    try:
        value = json.loads(typed)
    except ValueError:
        yield typed
        return
    for each in value if isinstance(value, list) else [value]:
        yield json.dumps(each, ensure_ascii=False)
