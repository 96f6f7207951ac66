"""A thousand small files: each has its outcome, and reading them costs seconds."""

from pathlib import Path

import pytest

from benchmarks import parsing
from docmill.tasks.sources.parse import parsed
from tests.support.project import Project
from tests.support.provider import Provider


@pytest.mark.slow
def test_texts_in_twenty_encodings_and_kinds_cost_less_than_ten_milliseconds_each():
    assert len(parsing.KINDS) >= 20
    assert parsing.texts() < 10


@pytest.mark.parametrize("number", range(len(parsing.KINDS)))
def test_text_of_two_kilobytes_is_read_as_it_was_written(number: int):
    content, name, text = parsing.text(number)
    assert parsed(content, name).text == text


@pytest.mark.slow
@pytest.mark.parametrize("suffix", parsing.BINARY)
def test_small_documents_of_binary_formats_cost_milliseconds_each(suffix: str):
    _, cpu_ms = parsing.binaries(suffix)
    assert cpu_ms < 20  # measured: 2.7 of a PDF; a child a document would take a hundred


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_run_over_a_thousand_files_has_a_thousand_outcomes(
    project: Project, provider: Provider, prefect_api: str
):
    folder = Path(project.root / "in")
    folder.mkdir()
    for number in range(parsing.COUNT):
        content, name, _ = parsing.text(number)
        (folder / name).write_bytes(content)
    pipeline = project.pipeline(provider.url, "  - summarize:\n", documents="in/*")
    assert project.run("run", str(pipeline)) == 0
    assert list(project.statuses().values()) == ["done"] * parsing.COUNT
