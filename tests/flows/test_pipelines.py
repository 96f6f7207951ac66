"""The pipelines of flows/pipelines: each can run, and the one for 302.AI fills its table."""

import json
from pathlib import Path

import pytest

from docmill.flows.pipeline.file import load
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import saying

ROOT = Path(__file__).parents[2]
BILL = {  # what is in samples/inbox/Invoice_88213*
    "number": "88213",
    "issued_on": "2026-03-14",
    "supplier": {"name": "Brennick Valve & Fitting Co.", "email": "billing@brennickvalve.example"},
    "customer": {"name": "Oldmere Dairy Cooperative", "tax_id": None},
    "currency": "USD",
    "net": 3233.10,
    "tax": 0,
    "total": 3233.10,
    "lines": [
        {
            "description": 'Ball valve 2", 316 SS, tri-clamp',
            "quantity": 24,
            "unit_price": 86.4,
            "amount": 2073.6,
        },
        {"description": 'Gasket EPDM 2", pack of 10', "quantity": 60, "amount": 429},
        {"description": "Pneumatic actuator, double acting", "quantity": 2, "amount": 636},
        {"description": "Freight, prepaid and added", "quantity": 1, "amount": 94.5},
    ],
}
PIPELINES = sorted((ROOT / "flows" / "pipelines").glob("*.yaml"))


@pytest.fixture(autouse=True)
def _in_the_clone(monkeypatch: pytest.MonkeyPatch, project: Project) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: file.stem)
def test_each_sample_pipeline_is_right_and_called_like_its_file(file: Path):
    assert load(file).pipeline.name == file.stem


@pytest.mark.usefixtures("prefect_api")
def test_the_invoices_of_the_inbox_become_rows_with_amounts_dates_and_lines(
    project: Project, provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCMILL_API_KEY", "sk-of-the-test")
    true = saying(json.dumps(BILL))
    provider.rule(lambda request: true if "record_supplier_invoice" in request.body.decode() else None)
    into = f"sqlite:///{project.root}/results.db"
    options = ["--endpoint", provider.url, "--model", "m", "--documents", "samples/inbox/*nvoice*"]
    assert project.run("run", "invoices", "--into", into, *options) == 0
    assert set(project.statuses().values()) == {"done"}
    rows = project.rows("select issued_on, total, lines, supplier from invoices__supplier_invoice")
    assert len(rows) == 2
    for issued_on, total, lines, supplier in rows:
        assert (len(issued_on), type(total)) == (10, float)
        assert {"description", "amount"} <= json.loads(lines)[0].keys()
        assert "name" in json.loads(supplier)
    sent = next(
        request.parsed for request in provider.requests if "supplier_invoice" in request.body.decode()
    )
    assert "$ref" not in json.dumps(sent["tools"])  # one-api drops $defs
