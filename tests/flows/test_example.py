"""`flows/example.py`: three completions of one document in plain Prefect."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.provider import Provider

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "samples" / "inbox" / "Invoice_88213.txt"


def _example(provider: Provider, cache: Path) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "DOCMILL_BASE_URL": provider.url,
        "DOCMILL_MODEL": "m",
        "DOCMILL_CACHE": str(cache),
    }
    command = [sys.executable, "-m", "docmill.flows.example", str(DOCUMENT)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=100)


def test_the_example_summarizes_classifies_and_extracts(provider: Provider, cache: Path, prefect_api: str):
    ended = _example(provider, cache)
    assert ended.returncode == 0, ended.stderr
    assert "'label': 'invoice'" in ended.stdout
    assert "'record': {" in ended.stdout
    assert len(provider.requests) == 3
    assert _example(provider, cache).returncode == 0
    assert len(provider.requests) == 3


@pytest.mark.slow
def test_the_example_ends_on_a_server_of_its_own(
    provider: Provider, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its events are handed in before the server is let go: at exit they would be tried for minutes."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PREFECT_API_URL")
    ended = _example(provider, cache)
    assert ended.returncode == 0, ended.stderr
    assert "EventsWorker" not in ended.stderr
