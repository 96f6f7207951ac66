"""Everything says `docmill.flows`, never `flows` alone: a module loaded under two names has two sessions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository import ROOT, files, parsed

WRITTEN = {".cfg", ".ini", ".jinja", ".json", ".md", ".py", ".toml", ".yaml", ".yml", ""}
# These tell of such names; the changelog says what they were.
MEANT = {Path("tests/package", name) for name in ("test_names.py", "test_foreign_project.py")}
MEANT |= {Path("CHANGELOG.md")}
BARE = "(?:flows|tasks|schemas)"
MODULE = re.compile(rf"{BARE}(\.[a-z_]\w*)+(:\w+)?|{BARE}:\w+")
LOADERS = {"PackageLoader", "import_module", "find_spec", "files", "get_data"}
SAID = re.compile(
    rf"^\s*(?:from {BARE}[.\w]* import|import {BARE}\b)"
    rf"|-m[\s\"',]+{BARE}\b"
    rf"|entrypoint[\"']?\s*[:=]\s*[\"']?(?:{BARE}[.:]|flows/(?:process|arrived|shard|example)\.py)",
    re.MULTILINE,
)


def bare_names(text: str, suffix: str) -> list[str]:
    """List what a file says of a module of ours without `docmill.` before it."""
    said = [found[0].strip() for found in SAID.finditer(text)]
    return said + (list(_in_python(parsed(text))) if suffix == ".py" else [])


def _in_python(tree: ast.Module) -> Iterator[str]:
    """List bare modules in strings: alone, or where a function loads a package by its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and MODULE.fullmatch(node.value):
            yield node.value
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = getattr(node.func, "attr", getattr(node.func, "id", None))
            if function in LOADERS and re.fullmatch(BARE, str(node.args[0].value)):
                yield f"{function}({node.args[0].value!r})"


def test_no_file_names_a_module_without_docmill():
    said = {
        str(file.relative_to(ROOT)): bare_names(file.read_text(errors="replace"), file.suffix)
        for file in files()
        if file.suffix in WRITTEN and file.relative_to(ROOT) not in MEANT
    }
    assert {file: names for file, names in said.items() if names} == {}
    assert {"Makefile", "prefect.yaml", "flows/report/page.py", "docs/operations.md"} <= said.keys()


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".py", "import flows"),
        (".py", "import tasks.chat as chat"),
        (".py", "def f():\n    from schemas import chat"),
        (".py", "from flows.cli import main"),
        (".py", "app.command('flows.cli.run:run')"),
        (".py", "PackageLoader('flows')"),
        (".py", "importlib.resources.files('flows.report')"),
        (".py", "[sys.executable, '-m', 'flows.cli']"),
        (".py", "[sys.executable, '-m', 'tasks']"),
        (".yaml", "    entrypoint: flows.process.process"),
        (".yaml", "    entrypoint: flows/process.py:process"),
        ("", "\t$(BIN)/python -m schemas.published"),
        (".md", "```python\nfrom tasks.chat.complete import complete\n```"),
    ],
)
def test_a_bare_name_is_found(suffix: str, text: str):
    assert bare_names(text, suffix)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".py", "import docmill.flows\nfrom docmill.tasks.chat import complete\nfrom . import flows"),
        (".py", "Path('flows/pipelines'), root / 'schemas' / 'tools', 'docmill.flows.cli.run:run'"),
        (".yaml", "entrypoint: docmill.flows.process.process"),
        (".md", "entrypoint: flows/my.py:my_flow"),
        (".md", "`flows.*` imports `schemas`"),
    ],
)
def test_a_folder_and_a_full_name_are_none(suffix: str, text: str):
    assert bare_names(text, suffix) == []
