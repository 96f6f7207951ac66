"""The kinds of steps: all that depends on a kind stands in its module, and nothing else asks which it is."""

import ast
from pathlib import Path

import pytest

from docmill.schemas.steps import KINDS, Kind, StepOptions
from docmill.tasks.steps.kind import StepKind, kind
from tests.support.repository import parsed

ROOT = Path(__file__).parents[2]
NAMES = {name.capitalize() for name in KINDS} | set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_every_declared_kind_has_its_object(name: Kind):
    assert isinstance(kind(name), StepKind)


def test_each_column_is_filled_by_one_kind():
    filled = [column for name in KINDS if (column := kind(name).fills)]
    assert sorted(filled) == ["label", "record", "summary"]


def _asked(file: Path) -> set[str]:
    """Name the kinds that a module compares with, matches or looks up."""
    tree = parsed(file.read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return (names | texts) & NAMES


@pytest.mark.parametrize("folder", ["flows/pipeline", "flows/run", "flows/observe", "tasks/sinks"])
def test_what_runs_and_stores_steps_names_no_kind(folder: str):
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    assert {str(file): asked for file in files if (asked := _asked(file))} == {}


def test_a_kind_decides_nothing_by_default():
    plain, options = StepKind[StepOptions](), StepOptions()
    assert (plain.labels(options), plain.chosen_by(options), plain.schema(options, "a")) == (None, None, None)
    assert (list(plain.schemas(options)), plain.answers(options, {}), plain.fills) == ([], [], None)
