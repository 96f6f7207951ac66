"""The files of the repository, found without git: a clone may be an archive on a machine without it."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = (".ci", "benchmarks", "docmill", "docs", "flows", "samples", "schemas", "tasks", "tests")
LEFT_BY_RUNS = {".db", ".db-shm", ".db-wal", ".sqlite", ".pyc"}


def files() -> Iterator[Path]:
    """List them by their path; what docmill/ links to is listed once, where it lies."""
    top = (file for file in ROOT.iterdir() if not file.name.startswith("."))
    below = (file for folder in FOLDERS for file in (ROOT / folder).rglob("*"))
    for file in (*top, *below):
        if file.is_file() and file.suffix not in LEFT_BY_RUNS:
            yield file


def parsed(text: str) -> ast.Module:
    """Parse a Python text; once more where another thread parses: they share a count (CPython #106905)."""
    try:
        return ast.parse(text)
    except SystemError:
        return ast.parse(text)
