"""Make 210 labelled documents: five kinds in three languages, always the same ones.

python samples/labelled.py [FOLDER]

FOLDER (samples/labelled) gets the documents, and labels.jsonl with what is true of each: `document`, `label`
and the record. Names, numbers and amounts are made up.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

from labelling.kinds import KINDS
from labelling.language import SEPARATORS, Writer
from labelling.layout import FORMS, SUFFIXES, written

HERE = Path(__file__).parent
EACH = 14  # documents of a kind in a language


def documents() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Give each document: its name, text, label and record."""
    for kind, language, number in product(KINDS, SEPARATORS, range(1, EACH + 1)):
        name = f"{kind.replace(' ', '-')}-{language}-{number:02}"
        random = Random(name)
        made = KINDS[kind](Writer.drawn(language, random), random)
        form = _form(kind, number)
        text = written(made.parts, form, made.sender)
        yield f"{name}{SUFFIXES.get(form, '.txt')}", text, kind, made.record


def main(folder: Path) -> None:
    """Write all files anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    labels = []
    for name, text, label, record in documents():
        (folder / name).write_text(text, encoding="utf-8")
        labels.append({"document": name, "label": label, **record})
    lines = (json.dumps(each, ensure_ascii=False, default=_number) for each in labels)
    (folder / "labels.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    sys.stdout.write(f"{folder}: {len(labels)} documents, and what is true of them in labels.jsonl\n")


def _form(kind: str, number: int) -> str:
    """Choose a layout in turn: a complaint has no table, and what has one is no mail."""
    fit = ("aligned", "markdown", "html", "mail") if kind == "complaint" else FORMS[:-1]
    return fit[number % len(fit)]


def _number(value: Decimal) -> float:
    return float(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "labelled")
