"""The vectors of RFC 8785, of rfc8785's source distribution: a request is written as they say."""

import json
from pathlib import Path

import pytest
import rfc8785

from docmill.tasks.checks.request import parsed
from tests.support.sdists import unpacked

VECTORS = ("arrays", "french", "structures", "unicode", "values", "weird")


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the vectors."""
    return unpacked("rfc8785", tmp_path_factory.mktemp("sdist")) / "test" / "assets"


def test_these_are_all_vectors(vectors: Path):
    assert {file.stem for file in (vectors / "input").iterdir()} == set(VECTORS)


@pytest.mark.parametrize("name", VECTORS)
def test_a_value_is_written_as_the_vector_says(vectors: Path, name: str):
    canonical = (vectors / "output" / f"{name}.json").read_bytes()
    assert bytes.fromhex((vectors / "outhex" / f"{name}.txt").read_text()) == canonical
    assert rfc8785.dumps(json.loads((vectors / "input" / f"{name}.json").read_bytes())) == canonical


@pytest.mark.parametrize("name", VECTORS)
def test_what_was_written_is_read_and_written_the_same(vectors: Path, name: str):
    canonical = (vectors / "output" / f"{name}.json").read_bytes()
    assert rfc8785.dumps(parsed(canonical)) == canonical
