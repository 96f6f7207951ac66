"""Files that users name are regular files: a pipe or a device in their place blocks nobody."""

import os
from pathlib import Path

import pytest

from docmill.tasks.checks import regular
from tests.support.planted import plant_texts
from tests.support.project import Project


def test_a_regular_file_is_opened_also_behind_a_link(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"text")
    (tmp_path / "link").symlink_to("a")
    for name in ("a", "link"):
        with regular.opened(tmp_path / name) as file:
            assert file.read() == b"text"


def test_a_link_is_not_where_it_may_not_be_followed(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"text")
    (tmp_path / "link").symlink_to("a")
    with pytest.raises(OSError, match="a link, not a regular file"):
        regular.opened(tmp_path / "link", follow=False)


@pytest.mark.parametrize("kind", ["a pipe", "a directory", "a device or socket"])
def test_nothing_else_is(kind: str, tmp_path: Path):
    os.mkfifo(tmp_path / "a pipe")
    (tmp_path / "a directory").mkdir()
    path = Path("/dev/zero") if kind.startswith("a device") else tmp_path / kind
    with pytest.raises(OSError, match=f"{kind}, not a regular file"):
        regular.opened(path)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "command",
    [
        ["check", "pipe.yaml"],
        ["check", "schema.yaml"],
        ["chat", "pipe.yaml", "--endpoint", "http://127.0.0.1:9/v1"],
    ],
    ids=" ".join,
)
def test_no_command_waits_for_a_pipe(command: list[str], project: Project, capfd: pytest.CaptureFixture[str]):
    os.mkfifo(project.root / "pipe.yaml")
    os.mkfifo(project.root / "schemas/tools/piped.json")
    project.documents(a="text")
    project.pipeline("local", "  - extract: {schema: piped}\n").rename(project.root / "schema.yaml")
    assert project.run(*command) == 2
    assert "not a regular file" in capfd.readouterr().err


@pytest.mark.timeout(60)
def test_nor_does_evaluate(project: Project, capfd: pytest.CaptureFixture[str]):
    plant_texts(project, {"a": "text"})
    os.mkfifo(project.root / "labels.csv")
    assert project.run("evaluate", "p.yaml", "--labels", "labels.csv") == 2
    assert "labels.csv: cannot be read: a pipe, not a regular file" in capfd.readouterr().err
