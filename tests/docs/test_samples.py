"""The samples are what they say: readable documents, true labels, schemas that load."""

import csv
import json
from hashlib import sha256
from pathlib import Path

import pytest

from docmill.flows.pipeline.file import load as load_pipeline
from docmill.flows.pipeline.plan import resolve
from docmill.schemas.steps import Classify, Extract
from docmill.tasks.checks.faults import problem
from docmill.tasks.checks.toolschema import load
from docmill.tasks.checks.validation import validator
from docmill.tasks.sources.files import listed
from tests.support.instances import instance

ROOT = Path(__file__).parents[2]
SCHEMAS = sorted(ROOT.glob("schemas/tools/*.json"))
INBOX = "flows/pipelines/inbox.yaml"


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in the samples are relative to the clone."""
    monkeypatch.chdir(ROOT)


def _rows() -> list[dict[str, str]]:
    with Path("samples/labels.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _steps() -> tuple[Classify, Extract]:
    steps = {step.id: step.options for step in resolve(load_pipeline(Path(INBOX))).steps}
    kind, record = steps["classify"], steps["extract"]
    assert isinstance(kind, Classify)
    assert isinstance(record, Extract)
    return kind, record


def test_there_are_six_schemas_and_more_documents_of_five_kinds():
    assert len(SCHEMAS) >= 6
    assert len({row["label"] for row in _rows()}) == 5
    assert len(_rows()) >= 15
    assert {Path(row["document"]).suffix for row in _rows()} == {
        *(".txt", ".md", ".html", ".pdf", ".docx", ".xlsx", ".eml")
    }


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.stem)
def test_every_tool_schema_loads_and_can_be_satisfied(file: Path):
    tool = load(file)
    assert problem(validator(tool.parameters), instance(tool.parameters)) is None


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.stem)
def test_every_property_is_described(file: Path):
    for name, rule in json.loads(file.read_text())["parameters"]["properties"].items():
        assert rule.get("description"), name


def test_every_document_is_labelled_once():
    names = [row["document"] for row in _rows()]
    assert sorted(names) == sorted(Path(ref.path).name for ref in listed(["samples/inbox/*"]))
    assert len(names) == len(set(names))


def test_every_label_is_the_pipelines_and_every_value_a_field_of_its_schema():
    kind, record = _steps()
    for row in _rows():
        assert row["label"] in kind.labels
        tool = load(ROOT / "schemas/tools" / f"{record.schemas[row['label']]}.json")
        asked = {name for name, cell in row.items() if cell} - {"document", "label"}
        assert asked == set(tool.parameters["properties"])


def test_every_true_value_stands_in_its_document():
    for row in _rows():
        [ref] = [each for each in listed(["samples/inbox/*"]) if each.path.name == row["document"]]
        text = " ".join(ref.read().text.split())
        for name, cell in row.items():
            assert not cell or name in ("document", "label", "severity") or cell in text, (name, cell)


def test_two_documents_are_identical_and_share_their_label():
    by_content: dict[str, list[str]] = {}
    for row in _rows():
        digest = sha256(Path("samples/inbox", row["document"]).read_bytes()).hexdigest()
        by_content.setdefault(digest, []).append(row["label"])
    assert [labels for labels in by_content.values() if len(labels) > 1] == [["invoice", "invoice"]]


def test_no_example_of_a_label_is_taken_from_a_document():
    texts = [ref.read().text for ref in listed(["samples/inbox/*"])]
    for label in _steps()[0].labels.values():
        for example in label.examples:
            lines = [line.strip() for line in example.splitlines() if len(line.strip()) > 30]
            assert not any(line in text for line in lines for text in texts)
