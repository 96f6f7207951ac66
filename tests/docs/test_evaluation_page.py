"""docs/evaluation.md: its project is gated as it says, by the very script and pipeline that stand there."""

import csv
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from docmill.schemas.pipeline import Pipeline
from tests.support.connection import Request
from tests.support.provider import Provider
from tests.support.repository import ROOT
from tests.support.shapes import Shape, saying

SAMPLE = ROOT / "samples" / "gate"
PAGE = (ROOT / "docs" / "evaluation.md").read_text()


def documented(first_line: str) -> str:
    """Give the block of code that begins with a line."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    [block] = [str(each) for each in blocks if each.startswith(first_line)]
    return block


def gated(branch: str, home: Path) -> "subprocess.CompletedProcess[str]":
    """Run the script in the working directory, as CI does."""
    commands = f"{ROOT}/.venv/bin:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": commands, "BRANCH": branch, "DOCMILL_CACHE": str(home / "cache")}
    return subprocess.run([".ci/run"], env=environment, capture_output=True, text=True, timeout=300)


def test_the_page_shows_the_sample_project_as_it_is():
    assert documented("#!/bin/sh") == (SAMPLE / ".ci" / "run").read_text()
    declared = (SAMPLE / "pipelines" / "gate.yaml").read_text()
    assert documented("# pipelines/gate.yaml") == f"# pipelines/gate.yaml\n{declared}"


@pytest.mark.slow
def test_a_prompt_that_is_worse_fails_in_ci_and_a_merged_one_is_the_new_measure(
    tmp_path: Path, provider: Provider, prefect_api: str, monkeypatch: pytest.MonkeyPatch
):
    project = tmp_path / "project"
    shutil.copytree(SAMPLE, project)
    monkeypatch.chdir(project)
    pipeline = Path("pipelines/gate.yaml")
    declared = pipeline.read_text().replace("endpoint: 302ai", f"endpoint: {provider.url}")
    pipeline.write_text(declared)
    with Path("labelled/labels.csv").open(newline="") as file:
        complaints = [
            Path("labelled", row["document"]).read_text().split("\n")[2]
            for row in csv.DictReader(file)
            if row["label"] == "complaint"
        ]
    # The model finds complaints where they are described, and else takes them for praise.
    right = "complaint: a letter of somebody who is not content"

    def answer(request: Request) -> Shape:
        found = right in request.text and any(each in request.text for each in complaints)
        return saying(json.dumps({"category": "complaint" if found else "praise"}))

    provider.rule(answer)
    first = gated("main", tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    asked = len(provider.requests)
    assert asked == 12
    assert gated("a-branch", tmp_path).returncode == 0
    assert len(provider.requests) == asked  # nothing is paid for where nothing has changed
    pipeline.write_text(declared.replace(right, "complaint: a complaint"))
    worse = gated("a-branch", tmp_path)
    assert worse.returncode == 1
    assert "evaluation failed: label: 50 % after 100 % (-50.0 [" in worse.stdout
    assert "below min_label" in worse.stdout
    pipeline.write_text(declared)
    assert gated("a-branch", tmp_path).returncode == 0
    assert len(provider.requests) == 2 * asked  # what was asked before is in the cache


def test_the_pipelines_on_the_page_are_pipelines():
    from io import StringIO

    from ruamel.yaml import YAML

    blocks = re.findall(r"^```yaml\n(# pipelines/.*?)^```$", PAGE, re.M | re.S)
    assert blocks
    for block in blocks:
        Pipeline.model_validate(YAML(typ="safe").load(StringIO(block)))
