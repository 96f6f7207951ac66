"""A document of 600 pages: 40 facts hidden in it are found, and memory does not grow with its length."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.longtexts import FACTS, facts, honest, long_text
from tests.support.project import Project
from tests.support.provider import Provider

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]

PAGES, HIDDEN = 600, facts(40)
STEPS = """\
  - summarize: {max_words: 60, long: parts}
  - extract: {schema: facts, long: parts, needs: []}
"""
MEASURED = """\
import sys
from pathlib import Path
from docmill.flows import cli
code = cli.invoke(sys.argv[1:])
# What getrusage tells begins with the memory of who started the process.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print("peak", code, int(peak.split()[1]) // 1024)
"""
MOST_GROWTH_MB = 120  # 24 times the text, in a run of two steps; measured: 65


def peak_mb(project: Project, *arguments: str) -> int:
    """Run docmill in a process of its own; gives the most memory that it had."""
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments], capture_output=True, text=True, check=False
    )
    said, code, peak = ended.stdout.splitlines()[-1].split()
    assert (said, code) == ("peak", "0"), ended.stderr[-2_000:]
    return int(peak)


def outcome(project: Project) -> Mapping[str, Any]:
    names = ("status", "error", "record", "evidence", "summary", "calls", "cost_usd", "seconds")
    [row] = project.rows(f"select {', '.join(names)} from docmill_outcomes")
    return dict(zip(names, row, strict=True))


def test_forty_facts_of_six_hundred_pages(
    project: Project, provider: Provider, capsys: pytest.CaptureFixture[str]
):
    provider.always(honest)
    project.schema("facts", FACTS)
    endpoint = f"{{base_url: '{provider.url}', context_tokens: 32000, prices: {{input: 1, output: 2}}}}"
    pipeline = str(project.pipeline(endpoint, STEPS))
    project.documents(a=long_text(PAGES // 100, HIDDEN[:3]))
    short = peak_mb(project, "run", pipeline)
    text = long_text(PAGES, HIDDEN, many=230)
    assert len(text) > 5_000_000
    project.documents(a=text)
    capsys.readouterr()
    assert project.run("plan", pipeline, "--json") == 0
    planned = json.loads(capsys.readouterr().out)
    before = len(provider.requests)
    peak = peak_mb(project, "run", pipeline)
    found = outcome(project)
    evidence = json.loads(found["evidence"])
    assert (found["status"], found["error"]) == ("done", None)
    assert json.loads(found["record"])["seals"] == HIDDEN
    assert len(evidence) == 2 + 2 * len(HIDDEN)
    assert all(text[each["start"] : each["end"]] == each["quote"] for each in evidence)
    assert sum(fact["name"] in found["summary"] for fact in HIDDEN) == len(HIDDEN)
    low, high = planned["calls"]
    assert low <= len(provider.requests) - before <= high
    assert planned["cost_usd"][0] <= found["cost_usd"] <= planned["cost_usd"][1]
    assert peak - short < MOST_GROWTH_MB
