"""The project that the examples of the public API stand in: a letter, a pipeline and its schema."""

from tests.support.project import Project

BILL = {"type": "object", "properties": {"total": {"type": "number"}}}
PIPELINE = """\
name: letters
documents: in/*.txt
endpoint: 302ai
model: m
into: sqlite:///results.db
steps:
  - classify: {labels: {invoice: a request for payment, other: anything else}}
  - extract: {schema: bill}
"""


def write_letters(project: Project) -> None:
    """Write letters.yaml, the tool schema `bill` and one document."""
    project.documents(a="Total due: 318.40 EUR")
    project.schema("bill", {"name": "bill", "description": "Record the bill.", "parameters": BILL})
    (project.root / "letters.yaml").write_text(PIPELINE)
