"""A stand-in for a model that makes known mistakes, over the labelled samples of which all is known.

`python -m tests.support.mistakes` prints the table of docs/evaluation.md: what each gate catches.
"""

import copy
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import chdir
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from docmill.flows.pipeline.file import load
from docmill.flows.pipeline.plan import StepPlan, resolve
from docmill.flows.run.basis import Basis
from docmill.flows.run.held import Held, held
from docmill.schemas.document import Document
from docmill.schemas.steps import Extract
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.faults import problem
from docmill.tasks.checks.validation import validator
from docmill.tasks.sources.files import listed

ROOT = Path(__file__).parents[2]
Record = dict[str, Any]
Mistake = Callable[[Record, Random], Record | None]
GATES = ("schema", "evidence", "completeness", "rules")
ARRAYS = ("lines", "items", "services", "defects")
PARTIES = ("contractor", "client", "customer", "sender", "recipient", "merchant")
NAMES = ("vendor.name", "customer.name", *PARTIES)
MADE_UP = ("Acme Corporation", "Musterfirma AG", "Dupont et Fils")
SUMS = ("net", "tax", "total", "refund")
DATES = ("issued_on", "due_on", "bought_on", "starts_on", "ends_on", "delivered_on")
SAME_KIND = (
    ("vendor.name", "customer.name"),
    ("contractor", "client"),
    ("sender", "recipient"),
    ("number", "order_number"),
)


@dataclass(frozen=True)
class Sample:
    """A labelled document: its text as docmill reads it, its label, and its true record with its schema."""

    document: Document
    basis: Basis
    label: str
    record: Record
    tool: ToolSchema
    step: StepPlan

    def held(self, record: Record) -> Held:
        """Hold a record against the document, as a run does."""
        return held(self.basis, self.step, record, self.tool)

    def caught(self, record: Record) -> set[str]:
        """Name the gates that a record does not pass; one that its schema refuses comes to no other."""
        if problem(validator(self.tool.parameters), record) is not None:
            return {"schema"}
        found = self.held(record)
        completeness = found.completeness
        doubts = {
            "evidence": found.grounding and found.grounding.missing,
            "completeness": completeness
            and (completeness.missing or completeness.repeated or completeness.is_cut),
            "rules": found.broken,
        }
        return {name for name, doubt in doubts.items() if doubt}


def make(folder: Path) -> None:
    """Make the labelled samples, as `make samples/labelled` does."""
    script = ROOT / "samples" / "labelled.py"
    subprocess.run([sys.executable, str(script), str(folder)], check=True, capture_output=True)


def samples(folder: Path) -> list[Sample]:
    """Read the samples that were made in a folder; the working directory has to be the clone's."""
    plan = resolve(load(ROOT / "flows" / "pipelines" / "labelled.yaml"))
    [step] = [each for each in plan.steps if isinstance(each.options, Extract)]
    assert isinstance(step.options, Extract)
    lines = (folder / "labels.jsonl").read_text().splitlines()
    labels = {row.pop("document"): row for row in map(json.loads, lines)}
    found = []
    for ref in listed([f"{folder}/*.{suffix}" for suffix in ("txt", "md", "html", "eml")]):
        row = labels.pop(Path(ref.path).name)
        label, document = row.pop("label"), ref.read()
        tool = plan.tools[step.options.schemas[label]]
        found.append(Sample(document, Basis(document), label, row, tool, step))
    assert labels == {}
    return found


def _at(record: Record, path: str) -> Any:
    for key in path.split("."):
        record = record.get(key) if isinstance(record, dict) else None  # type: ignore[assignment]
    return record


def _put(record: Record, path: str, value: Any) -> None:
    *before, last = path.split(".")
    for key in before:
        record = record[key]
    record[last] = value


def _rows(record: Record) -> list[Any]:
    rows: list[Any] = next(record[name] for name in ARRAYS if name in record)
    return rows


def _dropping(choose: Callable[[int, Random], int]) -> Mistake:
    def drop(record: Record, random: Random) -> Record | None:
        rows = _rows(record)
        for index in sorted(random.sample(range(len(rows)), choose(len(rows), random)), reverse=True):
            del rows[index]
        return record

    return drop


def _repeat(record: Record, random: Random) -> Record:
    rows = _rows(record)
    rows.insert(random.randrange(len(rows)), copy.deepcopy(random.choice(rows)))
    return record


def _swap_names(record: Record, random: Random) -> Record | None:
    pairs = [pair for pair in SAME_KIND if all(isinstance(_at(record, path), str) for path in pair)]
    return _swapped(record, random.choice(pairs)) if pairs else None


def _swap_sums(record: Record, random: Random) -> Record | None:
    pairs = [pair for pair in (("net", "total"), ("tax", "net"), ("tax", "total")) if pair[0] in record]
    return _swapped(record, random.choice(pairs)) if pairs else None


def _swap_dates(record: Record, random: Random) -> Record | None:
    pairs = [pair for pair in (("issued_on", "due_on"), ("starts_on", "ends_on")) if record.get(pair[1])]
    return _swapped(record, pairs[0]) if pairs else None


def _swapped(record: Record, pair: tuple[str, str]) -> Record:
    first, second = (_at(record, path) for path in pair)
    _put(record, pair[0], second)
    _put(record, pair[1], first)
    return record


def _swap_between_rows(record: Record, random: Random) -> Record | None:
    rows = [row for row in _rows(record) if isinstance(row, dict)]
    keys = [key for key in ("amount", "monthly_fee", "quantity") if rows and key in rows[0]]
    if not keys:
        return None
    values = {row[keys[0]] for row in rows}
    if len(values) < 2:
        return None
    first = random.choice(rows)
    second = random.choice([row for row in rows if row[keys[0]] != first[keys[0]]])
    first[keys[0]], second[keys[0]] = second[keys[0]], first[keys[0]]
    return record


def _invent_name(record: Record, random: Random) -> Record | None:
    paths = [path for path in NAMES if isinstance(_at(record, path), str)]
    _put(record, random.choice(paths), random.choice(MADE_UP))
    return record


def _invent_amount(record: Record, random: Random) -> Record | None:
    paths = [path for path in SUMS if isinstance(record.get(path), int | float)]
    if not paths:
        return None
    path = random.choice(paths)
    record[path] = round(record[path] + random.randint(1, 9999) / 100 + 100_000, 2)
    return record


def _invent_date(record: Record, random: Random) -> Record:
    path = random.choice([path for path in DATES if record.get(path)])
    record[path] = (date.fromisoformat(record[path]) - timedelta(days=random.randint(400, 700))).isoformat()
    return record


def _break_sum(record: Record, random: Random) -> Record | None:
    """Take another number of the document for a sum: evidence has nothing to say of it."""
    rows = _rows(record)
    if "total" not in record or len({row["amount"] for row in rows}) < 2:
        return None
    path = random.choice([path for path in ("net", "total") if path in record])
    record[path] = random.choice([row["amount"] for row in rows if row["amount"] != record[path]])
    return record


def _break_schema(record: Record, random: Random) -> Record:
    key = random.choice([key for key in record if key not in ARRAYS])
    if random.random() < 0.5:
        del record[key]
    else:
        record[key] = [record[key]]
    return record


MISTAKES: Mapping[str, Mistake] = {
    "leaves out one row": _dropping(lambda rows, _: 1),
    "leaves out half of the rows": _dropping(lambda rows, _: max(1, rows // 2)),
    "leaves out all rows but one": _dropping(lambda rows, _: rows - 1),
    "leaves out all rows": _dropping(lambda rows, _: rows),
    "repeats a row": _repeat,
    "invents a name": _invent_name,
    "invents an amount": _invent_amount,
    "invents a date": _invent_date,
    "takes another number for a sum": _break_sum,
    "swaps two sums": _swap_sums,
    "swaps two dates": _swap_dates,
    "swaps values between two rows": _swap_between_rows,
    "swaps two names or numbers": _swap_names,
    "leaves out a field, or gives it another type": _break_schema,
}


def mistaken(record: Record, name: str, seed: str) -> Record | None:
    """Make a mistake in a copy of a record, the same one for a seed; None where it cannot be made."""
    changed = MISTAKES[name](copy.deepcopy(record), Random(f"{name} {seed}"))
    return changed if changed != record else None


def measured(found: list[Sample]) -> Iterator[tuple[str, int, Counter[str]]]:
    """Give for each mistake, and for none, how many records had it, and how many each gate held back."""
    yield "none: the record is right", len(found), _counted((sample, sample.record) for sample in found)
    for name in MISTAKES:
        wrong = [
            (sample, record)
            for sample in found
            if (record := mistaken(sample.record, name, sample.document.document_id.rpartition("/")[2]))
        ]
        yield name, len(wrong), _counted(wrong)


def _counted(records: Iterable[tuple[Sample, Record]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for sample, record in records:
        caught = sample.caught(record)
        counts.update(caught)
        counts["any"] += bool(caught)
    return counts


def table(rows: Iterator[tuple[str, int, Counter[str]]]) -> str:
    """Write what was measured as the table of docs/evaluation.md."""
    lines = [f"| the stand-in | records | {' | '.join(GATES)} | any of them |", "| --- |" + " ---: |" * 6]
    for name, many, counts in rows:
        shares = (f"{100 * counts[gate] / many:.0f} %" if counts[gate] else "" for gate in (*GATES, "any"))
        lines.append(f"| {name} | {many} | {' | '.join(shares)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with chdir(ROOT), tempfile.TemporaryDirectory() as made:
        make(Path(made))
        sys.stdout.write(table(measured(samples(Path(made)))))
