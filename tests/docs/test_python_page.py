"""docs/python.md: every example is a script that runs as it stands."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import docmill
from docmill.schemas.endpoint import BUILT_IN
from tests.support.letters import write_letters
from tests.support.project import Project

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ANSWERS: dict[str, Any] = {
    "R-104": {"number": "R-104", "total": 318.4, "due": "2026-01-31"},
    "Boston": {"city": "Boston"},
    "Total due": ["A bill.", "invoice", {"total": 318.4}],
}
PRINTED = (
    "{'summary': 'A bill.', 'label': 'invoice'}",
    "total 22 318.40\ndue 38 31 January 2026\nnumber='R-104' total=Decimal('318.4')",
    'get_weather {"city": "Boston"}',
    "{'a.txt': 'invoice', 'b.txt': 'invoice'}",
    "Completed 1 document: 1 done\nin/a.txt invoice {'total': 318.4}\nin/a.txt 318.4",
    "",
)


@pytest.fixture
def site(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the project of the page, in which 302ai is a provider on loopback."""
    write_letters(project)
    with docmill.testing.provider(ANSWERS) as endpoint:
        monkeypatch.setitem(BUILT_IN, "302ai", endpoint)
        yield


def test_every_example_is_known():
    assert len(EXAMPLES) == len(PRINTED)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(PRINTED)))
@pytest.mark.usefixtures("site", "prefect_api")
def test_the_example_runs_and_prints(number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    script = tmp_path / f"example_{number}.py"
    script.write_text(EXAMPLES[number])
    runpy.run_path(str(script), run_name="__main__")
    assert PRINTED[number] in capsys.readouterr().out
