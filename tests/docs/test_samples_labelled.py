"""The labelled samples: what is true of them stands in them, and no gate holds a true record back."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.mistakes import GATES, ROOT, Sample, make, samples

KINDS = {"invoice", "receipt", "contract", "complaint", "delivery note"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the samples."""
    made = tmp_path_factory.mktemp("labelled")
    make(made)
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> list[Sample]:
    """Give the samples as docmill reads them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return samples(folder)


@pytest.fixture(scope="module")
def caught(found: list[Sample]) -> dict[str, set[str]]:
    """Give the gates that a true record does not pass, by its document."""
    return {each.document.document_id: each.caught(each.record) for each in found}


def test_there_are_200_or_more_of_five_kinds_in_three_languages(found: list[Sample]):
    assert len(found) >= 200
    assert {sample.label for sample in found} == KINDS
    names = Counter(Path(sample.document.document_id).name.split("-")[-2] for sample in found)
    assert names == {"en": 70, "de": 70, "fr": 70}


def test_they_come_in_several_layouts(folder: Path):
    assert {file.suffix for file in folder.iterdir()} == {".txt", ".md", ".html", ".eml", ".jsonl"}


def test_most_have_nested_rows(found: list[Sample]):
    rows = [max(len(value) for value in each.record.values() if isinstance(value, list)) for each in found]
    assert min(rows) >= 2
    assert max(rows) >= 12


def test_no_two_say_the_same(found: list[Sample]):
    assert len({sample.document.text for sample in found}) == len(found)


def test_made_again_they_are_the_same(folder: Path, tmp_path: Path):
    make(tmp_path / "again")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert {file.name: file.read_bytes() for file in (tmp_path / "again").iterdir()} == before


def test_they_are_not_committed():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "samples/labelled/" in ignored


@pytest.mark.slow
@pytest.mark.parametrize("gate", GATES)
def test_no_gate_holds_a_true_record_back(caught: dict[str, set[str]], gate: str):
    """Each value stands in its document, nothing is missing, and every rule is kept."""
    assert [document for document, gates in caught.items() if gate in gates] == []


def test_the_script_says_what_it_has_made(tmp_path: Path):
    command = [sys.executable, str(ROOT / "samples" / "labelled.py"), str(tmp_path / "new")]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said == f"{tmp_path / 'new'}: 210 documents, and what is true of them in labels.jsonl\n"
    first = json.loads((tmp_path / "new" / "labels.jsonl").read_text().splitlines()[0])
    assert {"document", "label", "lines", "vendor"} <= first.keys()
