"""A project of a test's own: pipeline, tool schemas, documents, results and cache in one directory."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from docmill.flows import cli

THING = {
    "name": "thing",
    "description": "Extract the thing.",
    "parameters": {
        "type": "object",
        "x-evidence": False,  # the provider invents its values
        "properties": {
            "name": {"type": "string", "description": "Its name"},
            "count": {"type": ["integer", "null"], "description": "How many"},
            "on": {"type": "string", "format": "date", "description": "When"},
        },
        "required": ["name", "on"],
    },
}
STEPS = """\
  - summarize:
  - classify: {labels: {a: the first, b: the second}}
  - extract: {schema: thing}
"""


class Project:
    """The directory, which is the working directory, and what to do in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.schema("thing", THING)

    def schema(self, name: str, schema: Mapping[str, Any]) -> None:
        """Write a tool schema's file."""
        file = self.root / "schemas" / "tools" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(schema))

    def documents(self, **texts: str) -> None:
        """Write documents: `a="text"` becomes in/a.txt."""
        for name, text in texts.items():
            file = self.root / "in" / f"{name}.txt"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)

    def pipeline(self, endpoint: str, steps: str = STEPS, **keys: str) -> Path:
        """Write p.yaml: a pipeline over in/*.txt."""
        whole = {"name": "p", "documents": "in/*.txt", "endpoint": endpoint, "model": "m"}
        whole |= {"into": "sqlite:///results.db", "limits": "{concurrency: 8}"}
        file = self.root / "p.yaml"
        lines = [f"{key}: {value}" for key, value in (whole | keys).items()]
        file.write_text("\n".join([*lines, "steps:", steps]))
        return file

    def run(self, *arguments: str) -> int:
        """Run `docmill` in this process; gives its exit code."""
        return cli.invoke(list(arguments))

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """Begin `docmill` in a process of its own, in a session of its own."""
        command = [sys.executable, "-m", "docmill", *arguments]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def rows(self, query: str, file: str = "results.db") -> list[tuple[Any, ...]]:
        """Ask the results database."""
        connection = sqlite3.connect(self.root / file)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def runs(self, file: str = "results.db") -> int:
        """Count the runs that have begun; none where there is no database yet."""
        try:
            [(count,)] = self.rows("select count(*) from docmill_runs", file)
        except sqlite3.OperationalError:
            return 0
        return int(count)

    def statuses(self) -> dict[str, str]:
        """Give each document's status."""
        return dict(self.rows("select document_id, status from docmill_outcomes"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a cache of its own."""
    directory = tmp_path / "cache"
    monkeypatch.setenv("DOCMILL_CACHE", str(directory))
    return directory


@pytest.fixture
def project(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Give an empty project, which is the working directory while the test runs."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return Project(root)
